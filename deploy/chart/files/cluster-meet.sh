#!/bin/sh
# A member finds its place, beside its server and at every start. It greets the others at the
# addresses that they have today. Who has no place yet takes its third of the keys, if it is one
# of the first three and no cluster is there; everybody else follows a primary.
set -eu
. /etc/valkey/lib.sh

number=${POD_NAME##*-}
partner="${FIRST%-0}-$(((number + 3) % 6)).$NODES"
hosts=$(for n in 0 1 2 3 4 5; do echo "${FIRST%-0}-$n.$NODES"; done)

greet() {
  for host in $hosts; do
    address=$(getent hosts "$host" | head -n 1 | cut -d ' ' -f 1)
    [ "$host" = "$own" ] || [ -z "$address" ] ||
      ask --raw cluster nodes | grep -q "^[^ ]* $address:6379@.* connected" ||
      ask cluster meet "$address" 6379 > /dev/null
  done
}

# A primary that has keys, or a replica.
placed() {
  ask --raw cluster nodes |
    awk '$3 ~ /myself/ && ($3 ~ /slave/ || NF > 8) { found = 1 } END { exit !found }'
}

# Whether all six answer, and none of them knows a cluster that has all its keys.
unformed() {
  for host in $hosts; do
    known=$(ask -h "$host" cluster info | sed -n 's/^cluster_slots_assigned:\([0-9]*\).*/\1/p')
    [ "${known:-16384}" -lt 16384 ] || return 1
  done
}

# Whom to follow: the partner, three pods away. If that is no primary for twenty seconds, the
# primary with the fewest replicas.
leader() {
  ask --raw cluster nodes | awk -v partner=",$partner" -v tries="$tries" '
    $3 ~ /fail|handshake|noaddr/ { next }
    $3 ~ /slave/ { replicas[$4]++ }
    $3 ~ /master/ && NF > 8 { primaries[$1]; if (index($2, partner)) best = $1 }
    END {
      for (id in primaries)
        if (tries >= 20 && (!best || replicas[id] < replicas[best])) best = id
      print best
    }'
}

# A member whose disk was lost has another name now; what it was is taken off the others' lists.
forget_former() {
  mine=$(ask --raw cluster myid)
  # Without an answer the name to be forgotten would be today's.
  [ -n "$mine" ] || return 0
  for host in $hosts; do
    for id in $(ask -h "$host" --raw cluster nodes |
      awk -v mine="$mine" -v own=",$own" 'NF == 8 && $1 != mine && index($2, own) { print $1 }'); do
      ask -h "$host" cluster forget "$id" > /dev/null
    done
  done
}

# Whether each of the six is linked to the five others.
linked() {
  for host in $hosts; do
    ask -h "$host" --raw cluster nodes | awk '
      $3 ~ /fail|handshake|noaddr/ || $8 != "connected" { apart = 1 }
      END { exit apart || NR != 6 }' || return 1
  done
}

until [ "$(ask ping)" = PONG ]; do sleep 1; done
tries=0
until placed; do
  greet
  if [ "$number" -lt 3 ] && unformed; then
    set -- 0 5461 10923 16384
    shift "$number"
    ask cluster addslotsrange "$1" "$(($2 - 1))" > /dev/null
  else
    leader=$(leader)
    [ -z "$leader" ] || ask cluster replicate "$leader" > /dev/null
  fi
  tries=$((tries + 1))
  sleep 1
done
# Whoever is away for longer greets us when it is back.
tries=0
until linked || [ "$tries" -ge 60 ]; do
  greet
  forget_former
  tries=$((tries + 1))
  sleep 1
done
