#!/bin/sh
# Six Valkeys that know nobody become one cluster: three primaries, a replica each.
set -eu
. /etc/valkey/lib.sh

members=""
for n in 0 1 2 3 4 5; do
  host="${FIRST%-0}-$n.$NODES"
  until [ "$(ask -h "$host" ping)" = PONG ]; do sleep 1; done
  members="$members $(getent hosts "$host" | head -n 1 | cut -d ' ' -f 1):6379"
done
ask -h "$FIRST.$NODES" cluster info | grep -q '^cluster_slots_assigned:16384' && exit 0
# The words are addresses: they are meant to be split.
# shellcheck disable=SC2086
exec valkey-cli -a "$VALKEY_PASSWORD" --no-auth-warning --cluster create $members \
  --cluster-replicas 1 --cluster-yes
