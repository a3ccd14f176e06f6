#!/bin/sh
# Runs once in compose.yaml's `secrets` service: a random password for each Redis user, kept in a
# volume of its own, and the ACL file made of them. What is there already stays.
set -eu
umask 077
for user in admin simulator api processor reader; do
  file=/secrets/$user/password
  [ -s "$file" ] || head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$file"
  case $user in admin | reader) owner=999 ;; *) owner=10001 ;; esac
  chown "$owner:$owner" "/secrets/$user" "$file"
  chmod 0500 "/secrets/$user"
  chmod 0400 "$file"
done
sh /config/render-acl.sh /config/users.acl /secrets /acl/users.acl
chown -R 999:999 /acl
