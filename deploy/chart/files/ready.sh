#!/bin/sh
# Ready is who answers and is the primary, or follows one.
set -eu
. /etc/valkey/lib.sh

case $(role) in
  master) ;;
  slave) ask info replication | grep -q '^master_link_status:up' ;;
  *) exit 1 ;;
esac
