#!/bin/bash
# opensearch.sh: runs inside the official OpenSearch image, before its own start.
#
# In:   ADMIN_PASSWORD, DASHBOARDS_PASSWORD, HAMRONG_PASSWORD
# Out:  the users of a new cluster, with hashed passwords; then OpenSearch, in place of this shell
#
# The image's demo configuration would do it with published keys, and with the password "kibanaserver".
set -euo pipefail
home=${OPENSEARCH_HOME:-/usr/share/opensearch}
export JAVA_HOME=${JAVA_HOME:-$home/jdk}

hash() {
    # Above the hash the tool prints a notice.
    bash "$home/plugins/opensearch-security/tools/hash.sh" -env "$1" | tail -n 1
}

admin=$(hash ADMIN_PASSWORD)
dashboards=$(hash DASHBOARDS_PASSWORD)
hamrong=$(hash HAMRONG_PASSWORD)
umask 077
cat > "$home/config/opensearch-security/internal_users.yml" <<USERS
_meta: {type: internalusers, config_version: 2}
admin:
  hash: "$admin"
  reserved: true
  backend_roles: [admin]
kibanaserver:
  hash: "$dashboards"
  reserved: true
hamrong:
  hash: "$hamrong"
  reserved: true
  backend_roles: [soc_ingest]
USERS
unset ADMIN_PASSWORD DASHBOARDS_PASSWORD HAMRONG_PASSWORD
exec "$home/opensearch-docker-entrypoint.sh" opensearch
