#!/bin/sh
# env.sh NAME: writes .env beside docker-compose.yml, with a random value for each secret.
#
# In:   NAME, under which senders and analysts reach the server; deploy/example.env
# Out:  .env, readable by its owner alone. What stands in one already is kept, so that it can be run again
#
# The values are hexadecimal: nothing in them means something to Compose, a shell or YAML.
set -eu
name=${1:?say the name of the server: sh deploy/env.sh soc.example.org}
case $name in
    *[!A-Za-z0-9.-]*) echo "env.sh: '$name' is no name of a server; write such as soc.example.org" >&2; exit 2 ;;
esac
here=$(cd "$(dirname "$0")/.." && pwd)
umask 077
[ -e "$here/.env" ] || cp "$here/deploy/example.env" "$here/.env"
chmod 600 "$here/.env"

# One line at a time: a value that stands is copied, an empty one filled.
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
        SERVER_NAME=) line=SERVER_NAME=$name ;;
        *_PASSWORD= | *_SECRET=) case $line in \#*) ;; *) line=$line$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n') ;; esac ;;
    esac
    printf '%s\n' "$line"
done < "$here/.env" > "$here/.env.new"
# A secret that came with a later version.
for asked in $(sed -n 's/^\([A-Z_]*\)=$/\1/p' "$here/deploy/example.env"); do
    grep -q "^$asked=" "$here/.env.new" || echo "$asked=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >> "$here/.env.new"
done
mv "$here/.env.new" "$here/.env"
echo "$here/.env: written"
