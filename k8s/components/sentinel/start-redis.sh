#!/bin/sh
# Starts this pod's Redis: as a replica of the master that the Sentinels name; before there are
# any, redis-0 is the master. The configuration is a copy, as a failover rewrites it.
set -eu
umask 077
domain=redis.$NAMESPACE.svc.cluster.local
me=$(hostname).$domain
master=$(env -u REDISCLI_AUTH timeout 5 redis-cli -h sentinel -p 26379 \
  sentinel get-master-addr-by-name mymaster 2>/dev/null | head -n 1 || true)
case $master in redis-*) ;; *) master=redis-0.$domain ;; esac
{
  cat /config/redis.conf
  echo "masteruser admin"
  echo "masterauth $(cat /secrets/admin/password)"
  echo "replica-announce-ip $me"
  # A master that has lost its replicas stops taking writes, so that little is lost when it
  # comes back and finds another in its place.
  echo "min-replicas-to-write 1"
  echo "min-replicas-max-lag 10"
  [ "$master" = "$me" ] || echo "replicaof $master 6379"
} > /run/redis/redis.conf
exec redis-server /run/redis/redis.conf
