#!/bin/sh
# Joins the named nodes to one Cluster of primaries, unless they are joined already.
set -eu
REDISCLI_AUTH=$(cat /secrets/admin/password)
export REDISCLI_AUTH
if redis-cli --user admin -h "$1" cluster info | grep -q cluster_state:ok; then exit 0; fi
addresses=''
for node in "$@"; do
  until redis-cli --user admin -h "$node" ping | grep -q PONG; do sleep 1; done
  addresses="$addresses $(getent hosts "$node" | awk '{print $1; exit}'):6379"
done
# shellcheck disable=SC2086 # the addresses are words
redis-cli --user admin --cluster create $addresses --cluster-replicas "${REPLICAS:-0}" --cluster-yes
until redis-cli --user admin -h "$1" cluster info | grep -q cluster_state:ok; do sleep 0.2; done
