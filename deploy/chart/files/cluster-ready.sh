#!/bin/sh
# Ready is who has a place in a cluster that works: keys of its own, or a primary it follows.
set -eu
. /etc/valkey/lib.sh

ask cluster info | grep -q '^cluster_state:ok'
case $(role) in
  master) ask --raw cluster nodes | awk '$3 ~ /myself/ && NF > 8 { found = 1 } END { exit !found }' ;;
  slave) ask info replication | grep -q '^master_link_status:up' ;;
  *) exit 1 ;;
esac
