#!/bin/sh
# Starts this pod's Sentinel: it watches the master its peers name, else redis-0.
set -eu
umask 077
master=$(timeout 5 redis-cli -h sentinel -p 26379 sentinel get-master-addr-by-name mymaster \
  2>/dev/null | head -n 1 || true)
case $master in redis-*) ;; *) master=redis-0.redis.$NAMESPACE.svc.cluster.local ;; esac
until getent hosts "$master" > /dev/null; do sleep 1; done
{
  echo "port 26379"
  echo "protected-mode no"
  echo "dir /run/redis"
  echo "sentinel resolve-hostnames yes"
  echo "sentinel announce-hostnames yes"
  echo "sentinel announce-ip $(hostname).sentinel.$NAMESPACE.svc.cluster.local"
  echo "sentinel monitor mymaster $master 6379 2"
  echo "sentinel auth-user mymaster admin"
  echo "sentinel auth-pass mymaster $(cat /secrets/admin/password)"
  echo "sentinel down-after-milliseconds mymaster 5000"
  echo "sentinel failover-timeout mymaster 60000"
  echo "sentinel parallel-syncs mymaster 1"
} > /run/redis/sentinel.conf
exec redis-server /run/redis/sentinel.conf --sentinel
