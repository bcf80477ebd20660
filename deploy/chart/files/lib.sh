# What the scripts beside this share.

own="$POD_NAME.$NODES"
node=/data/node.conf

# One question to a Valkey; the answer, or nothing.
ask() {
  timeout 3 valkey-cli -a "$VALKEY_PASSWORD" --no-auth-warning "$@" 2>/dev/null || true
}

# The primary that a Sentinel of any pod names, or nothing.
named_primary() {
  for n in 0 1 2; do
    told=$(ask -h "${FIRST%-0}-$n.$NODES" -p 26379 --raw sentinel get-primary-addr-by-name readyup)
    told=$(printf '%s\n' "$told" | head -n 1)
    case $told in *".$NODES") echo "$told"; return ;; esac
  done
}

role() {
  ask --raw role | head -n 1
}
