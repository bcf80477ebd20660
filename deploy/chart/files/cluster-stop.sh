#!/bin/sh
# A primary asks a replica that lives to take over before it goes.
set -eu
. /etc/valkey/lib.sh

[ "$(role)" = master ] || exit 0
replica=$(ask --raw cluster replicas "$(ask --raw cluster myid)" |
  awk '$3 !~ /fail/ { sub(/:[0-9]+@.*/, "", $2); print $2; exit }')
[ -n "$replica" ] || exit 0
ask -h "$replica" cluster failover
waited=0
while [ "$(role)" = master ] && [ "$waited" -lt 20 ]; do
  sleep 1
  waited=$((waited + 1))
done
