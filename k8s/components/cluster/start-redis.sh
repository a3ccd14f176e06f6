#!/bin/sh
# Starts a node of the Cluster. PEERS: the names of all nodes, its own too. Peers and clients know
# it by its address: of a dead node no name is left, and looking for one holds everything up.
set -eu
umask 077
ip=${POD_IP:-$(hostname -i | cut -d ' ' -f 1)}
{
  cat /config/redis.conf
  # Not admin: who may ask for the configuration reads this password.
  echo "masteruser replication"
  echo "masterauth $(cat /secrets/replication/password)"
  echo "cluster-enabled yes"
  echo "cluster-node-timeout 5000"
  echo "cluster-announce-ip $ip"
} > /run/redis/redis.conf

# meet: tell every peer this node's new address, for a minute and then until the Cluster is well.
# Nodes remember each other by address; where all of them moved at once, only names are left.
meet() {
  REDISCLI_AUTH=$(cat /secrets/admin/password)
  export REDISCLI_AUTH
  rounds=0
  until [ "$rounds" -ge 20 ] && redis-cli --user admin cluster info | grep -q cluster_state:ok; do
    sleep 3
    rounds=$((rounds + 1))
    for peer in $PEERS; do
      address=$(getent hosts "$peer" | awk '{ print $1; exit }')
      case $address in '' | "$ip") continue ;; esac
      redis-cli --user admin cluster meet "$address" 6379 || true
    done
  done
}
# At the very first start make-cluster.sh joins them.
known=$(grep -c '@' /data/nodes.conf 2>/dev/null || true)
if [ "${known:-0}" -gt 1 ]; then
  meet > /dev/null 2>&1 &
fi
sh /config/mend-aof.sh
exec redis-server /run/redis/redis.conf
