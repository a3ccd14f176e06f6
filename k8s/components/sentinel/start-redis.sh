#!/bin/sh
# Starts this pod's Redis: as the master if the Sentinels say so, else as a replica of the one they
# name. The configuration is a copy, as a failover rewrites it.
set -eu
umask 077

# address NAME: where the Service of one pod is, now and always.
address() {
  until getent hosts "$1.$NAMESPACE.svc" | awk '{ print $1; exit }' | grep .; do sleep 1; done
}

# known: a line "EPOCH MASTER" from each Sentinel that answers; a higher epoch is newer news.
known() {
  for i in 0 1 2; do
    env -u REDISCLI_AUTH timeout 2 redis-cli -h "$(address "sentinel-$i")" -p 26379 \
      sentinel master mymaster 2>/dev/null |
      awk 'NR % 2 { name = $0; next } { got[name] = $0 }
        END { if (got["ip"]) print got["config-epoch"], got["ip"] }' || true
  done
}

# After a power cut everything starts at once, and the last master need not be redis-0: so who has
# data waits for two Sentinels, as a master with old data would have the others throw theirs away.
me=$(address "$(hostname)")
while :; do
  answers=$(known)
  master=$(echo "$answers" | sort -n | tail -n 1 | cut -d ' ' -f 2)
  if [ "$(echo "$answers" | grep -c ' ')" -ge 2 ]; then break; fi
  if ! [ -e /data/appendonlydir ]; then
    master=$(address redis-0)
    break
  fi
  echo "waiting for two Sentinels to name the master"
  sleep 1
done
{
  cat /config/redis.conf
  # Not admin: who may ask for the configuration reads this password.
  echo "masteruser replication"
  echo "masterauth $(cat /secrets/replication/password)"
  echo "replica-announce-ip $me"
  # A master that has lost its replicas stops taking writes, so that little is lost when it
  # comes back and finds another in its place.
  echo "min-replicas-to-write 1"
  echo "min-replicas-max-lag 10"
  [ "$master" = "$me" ] || echo "replicaof $master 6379"
} > /run/redis/redis.conf
sh /config/mend-aof.sh
exec redis-server /run/redis/redis.conf
