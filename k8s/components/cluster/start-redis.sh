#!/bin/sh
# Starts this pod's node. Peers find it by its address, clients by its name.
set -eu
umask 077
{
  cat /config/redis.conf
  echo "masteruser admin"
  echo "masterauth $(cat /secrets/admin/password)"
  echo "cluster-enabled yes"
  echo "cluster-node-timeout 5000"
  echo "cluster-announce-ip $POD_IP"
  echo "cluster-announce-hostname $(hostname).redis.$NAMESPACE.svc.cluster.local"
  echo "cluster-preferred-endpoint-type hostname"
} > /run/redis/redis.conf
exec redis-server /run/redis/redis.conf
