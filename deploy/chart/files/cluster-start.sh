#!/bin/sh
# A member of the cluster; who it was and whom it knew stands in /data/nodes.conf.
set -eu
. /etc/valkey/lib.sh

{
  cat /etc/valkey/valkey.conf
  echo "requirepass $VALKEY_PASSWORD"
  echo "primaryauth $VALKEY_PASSWORD"
  echo "cluster-announce-hostname $own"
  echo "cluster-announce-ip $POD_IP"
} > "$node"
sh /etc/valkey/meet.sh &
exec valkey-server "$node"
