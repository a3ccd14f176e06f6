#!/bin/sh
# Writes the ACL file with each user's password hash: render-acl.sh TEMPLATE SECRETS OUT
# SECRETS/<user>/password holds the passwords. Needs only sh, sed and sha256sum.
set -eu
umask 077
template=$1 secrets=$2 out=$3
script=''
for user in admin replication simulator api processor reader; do
  hash=$(tr -d '\n' < "$secrets/$user/password" | sha256sum | cut -d ' ' -f 1)
  name=$(echo "$user" | tr '[:lower:]' '[:upper:]')
  script="$script;s/@$name@/$hash/"
done
# An ACL file may hold nothing but users: comments go.
sed -e '/^#/d' -e "${script#;}" "$template" > "$out.new"
mv "$out.new" "$out"
