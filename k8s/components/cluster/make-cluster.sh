#!/bin/sh
# Joins the named nodes to one Cluster, with REPLICAS for each primary. Every step looks first at
# what is there, so the next run finishes what an interrupted one began.
set -eu
REDISCLI_AUTH=$(cat /secrets/admin/password)
export REDISCLI_AUTH
first=$1
primaries=$(($# / (${REPLICAS:-0} + 1)))

# on NODE COMMAND...: have a node do something.
on() { redis-cli --user admin -h "$@"; }

# own NODE FIELD: what a node says of itself: 1 is its id, 3 its flags, 9 the first of its slots.
own() { on "$1" cluster nodes | awk -v field="$2" '$3 ~ /myself/ { print $field }'; }

# about NODE NAME: a number or word of CLUSTER INFO.
about() { on "$1" cluster info | tr -d '\r' | sed -n "s/^$2://p"; }

# fresh NODE...: none of them ever served a key.
fresh() {
  for node in "$@"; do
    if [ "$(about "$node" cluster_state)" = ok ] || [ "$(on "$node" dbsize)" != 0 ]; then return 1; fi
  done
}

# together NODE...: each knows all the others.
together() {
  for node in "$@"; do [ "$(about "$node" cluster_known_nodes)" -ge $# ] || return 1; done
}

# poorest: the id of the primary with the fewest replicas.
poorest() {
  on "$first" cluster nodes | awk '
    $3 ~ /fail|handshake/ { next }
    $3 ~ /master/ && NF > 8 { primary[$1] }
    $3 ~ /slave/ { replicas[$4]++ }
    END { for (id in primary) print replicas[id] + 0, id }' | sort -n | sed -n '1s/.* //p'
}

for node in "$@"; do
  until on "$node" ping | grep -q PONG; do sleep 1; done
done
if fresh "$@"; then
  i=0
  for node in "$@"; do
    if [ "$i" -lt "$primaries" ] && [ -z "$(own "$node" 9)" ]; then
      echo "$node gets its slots"
      # Epochs that differ from the start; a node that knows others agrees on one with them.
      on "$node" cluster set-config-epoch "$((i + 1))" > /dev/null
      on "$node" cluster addslotsrange "$((16384 * i / primaries))" "$((16384 * (i + 1) / primaries - 1))"
    fi
    i=$((i + 1))
  done
fi
until together "$@"; do
  echo "$first meets the others"
  for node in "$@"; do
    [ "$node" = "$first" ] || on "$first" cluster meet "$(getent hosts "$node" | awk '{ print $1; exit }')" 6379
  done > /dev/null
  sleep 1
done
until [ "$(about "$first" cluster_slots_assigned)" = 16384 ]; do sleep 0.2; done
[ "${REPLICAS:-0}" = 0 ] || for node in "$@"; do
  while own "$node" 3 | grep -q master && [ -z "$(own "$node" 9)" ]; do
    echo "$node becomes a replica"
    on "$node" cluster replicate "$(poorest)"
    sleep 1
  done
  # Until the first node has heard of it, it would give the next one the same primary.
  id=$(own "$node" 1)
  until on "$first" cluster nodes | grep -q "^$id .*\(slave\|connected [0-9]\)"; do sleep 0.2; done
done
for node in "$@"; do
  until [ "$(about "$node" cluster_state)" = ok ]; do sleep 0.2; done
done
echo "the Cluster is made"
