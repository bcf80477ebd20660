#!/bin/sh
# Begin as a replica of whom the Sentinels name; else as what this Valkey was before; else, at
# the very first start, the first pod is the primary.
set -eu
. /etc/valkey/lib.sh

primary=$(named_primary)
# Named ourselves, we were killed a moment ago. A replica may hold more than our log does, so
# they are given the time to choose it.
waited=0
while [ "$primary" = "$own" ] && [ "$waited" -lt 10 ]; do
  sleep 1
  waited=$((waited + 1))
  primary=$(named_primary)
done
if [ -z "$primary" ] && [ -f "$node" ]; then
  primary=$(sed -n 's/^replicaof \([^ ]*\) .*/\1/p' "$node")
  primary=${primary:-$own}
fi
primary=${primary:-$FIRST.$NODES}

{
  cat /etc/valkey/valkey.conf
  echo "requirepass $VALKEY_PASSWORD"
  echo "primaryauth $VALKEY_PASSWORD"
  echo "replica-announce-ip $own"
  [ "$primary" = "$own" ] || echo "replicaof $primary 6379"
} > "$node.new"
mv "$node.new" "$node"
exec valkey-server "$node"
