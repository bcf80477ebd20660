#!/bin/sh
# What a Sentinel has learned stays in its file; a new one asks the others, or begins with the
# first pod. A name that nobody resolves yet ends it, and it is started again.
set -eu
. /etc/valkey/lib.sh

file=/data/sentinel.conf
if [ ! -f "$file" ]; then
  primary=$(named_primary)
  cat > "$file.new" <<END
port 26379
dir /tmp
requirepass $VALKEY_PASSWORD
sentinel sentinel-pass $VALKEY_PASSWORD
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $own
sentinel monitor readyup ${primary:-$FIRST.$NODES} 6379 2
sentinel auth-pass readyup $VALKEY_PASSWORD
sentinel down-after-milliseconds readyup 3000
sentinel failover-timeout readyup 10000
sentinel parallel-syncs readyup 1
END
  mv "$file.new" "$file"
fi
exec valkey-server "$file" --sentinel
