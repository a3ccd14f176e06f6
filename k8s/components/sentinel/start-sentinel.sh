#!/bin/sh
# Starts this pod's Sentinel. What it has learned (the master, the other Sentinels, the epochs) is
# kept on its volume, so that a restart of everything does not forget who the master was.
set -eu
umask 077

# address NAME: where the Service of one pod is, now and always.
address() {
  until getent hosts "$1.$NAMESPACE.svc" | awk '{ print $1; exit }' | grep .; do sleep 1; done
}

conf=/data/sentinel.conf
password=$(cat /secrets/admin/password)
learned='^sentinel (myid|monitor|config-epoch|leader-epoch|current-epoch|known-replica|known-sentinel) '
if ! [ -s "$conf" ]; then
  echo "sentinel monitor mymaster $(address redis-0) 6379 2" > "$conf"
fi
{
  grep -E "$learned" "$conf"
  echo "port 26379"
  echo "protected-mode no"
  echo "dir /data"
  # Clients may ask for the master; only another Sentinel, or you, may do more.
  echo "user default on nopass resetchannels -@all +ping +hello +info +role +client|setname" \
    "+client|setinfo +sentinel|get-master-addr-by-name +sentinel|master +sentinel|masters" \
    "+sentinel|replicas +sentinel|slaves +sentinel|sentinels"
  echo "user admin on #$(printf %s "$password" | sha256sum | cut -d ' ' -f 1) ~* &* +@all"
  echo "sentinel sentinel-user admin"
  echo "sentinel sentinel-pass $password"
  echo "sentinel announce-ip $(address "$(hostname)")"
  echo "sentinel auth-user mymaster admin"
  echo "sentinel auth-pass mymaster $password"
  echo "sentinel down-after-milliseconds mymaster 5000"
  echo "sentinel failover-timeout mymaster 60000"
  echo "sentinel parallel-syncs mymaster 1"
} > "$conf.new"
mv "$conf.new" "$conf"
exec redis-server "$conf" --sentinel
