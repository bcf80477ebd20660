#!/bin/sh
# A primary hands over before it goes, so that nothing written to it is lost.
set -eu
. /etc/valkey/lib.sh

[ "$(role)" = master ] || exit 0
ask -p 26379 sentinel failover readyup coordinated
waited=0
while [ "$(role)" = master ] && [ "$waited" -lt 20 ]; do
  sleep 1
  waited=$((waited + 1))
done
