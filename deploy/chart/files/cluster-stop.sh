#!/bin/sh
# A primary asks its replica to take over before it goes.
set -eu
. /etc/valkey/lib.sh

[ "$(role)" = master ] || exit 0
replica=$(ask --raw cluster replicas "$(ask --raw cluster myid)" | sed -n 's/^[^ ]* \([^:]*\):.*/\1/p' | head -n 1)
[ -n "$replica" ] || exit 0
ask -h "$replica" cluster failover
waited=0
while [ "$(role)" = master ] && [ "$waited" -lt 20 ]; do
  sleep 1
  waited=$((waited + 1))
done
