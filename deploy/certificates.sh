#!/bin/sh
# certificates.sh FOLDER: a certificate authority of this server's own, and a certificate for each service.
#
# In:   SERVER_NAME, under which senders and analysts reach the server
# Out:  FOLDER/ca.pem, FOLDER/SERVICE/certificate.pem and key.pem (PKCS #8, readable by that service's user alone)
#
# Keeps what is valid for 30 more days; so a certificate from the organisation's own authority, put in place of one of
# these, stays. Run again, it renews what runs out.
set -eu
folder=$1
month=2592000

fresh() {
    [ -s "$1" ] && openssl x509 -in "$1" -noout -checkend $month > /dev/null
}

key() {
    openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out "$1"
}

authority() {
    fresh "$folder/ca.pem" && return
    key "$folder/ca.key"
    openssl req -x509 -new -key "$folder/ca.key" -days 3650 -subj "/O=hamrong/CN=hamrong CA" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" -out "$folder/ca.pem"
    # What the old authority signed is worth nothing now.
    rm -f "$folder"/*/certificate.pem
}

# service NAME USER-ID SUBJECT-ALTERNATIVE-NAMES
service() {
    mkdir -p "$folder/$1"
    if ! fresh "$folder/$1/certificate.pem"; then
        key "$folder/$1/key.pem"
        printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$3" > "$folder/$1/extensions"
        openssl req -new -key "$folder/$1/key.pem" -subj "/O=hamrong/CN=$1" |
            openssl x509 -req -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -days 825 \
                -extfile "$folder/$1/extensions" -out "$folder/$1/certificate.pem"
        rm "$folder/$1/extensions"
    fi
    chown "$2" "$folder/$1/key.pem"
    chmod 400 "$folder/$1/key.pem"
    chmod 444 "$folder/$1/certificate.pem"
}

# A server without a name of its own is reached by its address.
case $SERVER_NAME in
    *[!0-9.]*) named="DNS:$SERVER_NAME" ;;
    *) named="IP:$SERVER_NAME" ;;
esac

umask 077
mkdir -p "$folder"
authority
chmod 755 "$folder"
chmod 444 "$folder/ca.pem"
# 1000 is the user of OpenSearch's two images, 10001 that of ours, 101 that of nginx.
service opensearch 1000 "DNS:opensearch,DNS:localhost"
service opensearch-dashboards 1000 "DNS:opensearch-dashboards,DNS:localhost"
service proxy 101 "DNS:proxy,DNS:localhost,$named"
service gateway 10001 "DNS:gateway,DNS:localhost,$named"
service admin 1000 "DNS:localhost"
chmod 755 "$folder"/*/
