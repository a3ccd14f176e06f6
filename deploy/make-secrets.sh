#!/bin/sh
# Runs once in compose.yaml's `secrets` service: a random password for each Redis user and two tokens
# for the API, each kept in a volume of its own, and the ACL file made of the passwords. What is
# there already stays. Also copies what the stores are started with, for all to read.
set -eu
umask 077

# keep FILE OWNER: a random secret in FILE, which OWNER alone may read.
keep() {
  if ! [ -s "$1" ]; then
    head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$1.new"
    mv "$1.new" "$1"
  fi
  chown "$2:$2" "${1%/*}" "$1"
  chmod 0500 "${1%/*}"
  chmod 0400 "$1"
}

# share FILE NAME: /config/NAME, which every user may read and run.
share() {
  cp "$1" "/config/$2.new"
  chmod 0555 "/config/$2.new"
  mv "/config/$2.new" "/config/$2"
}

for user in admin replication simulator api processor reader; do
  case $user in admin | replication | reader) owner=999 ;; *) owner=10001 ;; esac
  keep "/secrets/$user/password" "$owner"
done
keep /secrets/tokens/read 10001
keep /secrets/tokens/write 10001
sh /source/redis/render-acl.sh /source/redis/users.acl /secrets /acl/users.acl
chown -R 999:999 /acl
share /source/redis/redis.conf redis.conf
share /source/redis/mend-aof.sh mend-aof.sh
share /source/cluster/start-redis.sh start-redis.sh
share /source/cluster/make-cluster.sh make-cluster.sh
share /source/deploy/look.sh look
chmod 0755 /config
