#!/bin/sh
# A primary hands over before it goes, so that nothing written to it is lost. A Sentinel that
# has met no replica yet refuses, so it is asked again; asking twice starts no second one.
set -eu
. /etc/valkey/lib.sh

tries=0
while [ "$(role)" = master ] && [ "$tries" -lt 30 ]; do
  ask -p 26379 sentinel failover readyup coordinated
  sleep 1
  tries=$((tries + 1))
done
