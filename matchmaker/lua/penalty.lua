-- How long players who spoil matches may not ask for another. After queue.lua. Terms are JSON
-- {first_ms, max_ms, forgive_ms}, or "" where nobody is punished.
local function penalty_key(player) return string.match(base, "^{.-}") .. ":penalty:" .. player end

-- One more offence of each: the wait doubles with each that is not forgiven yet.
local function penalise(players, why, now_ms, terms)
  if terms == "" then return end
  terms, now_ms = cjson.decode(terms), tonumber(now_ms)
  for _, player in ipairs(players) do
    local key = penalty_key(player)
    local held = redis.call("HMGET", key, "count", "since_ms")
    local count = tonumber(held[1] or 0)
    if count > 0 then
      count = math.max(0, count - math.floor((now_ms - tonumber(held[2])) / terms.forgive_ms))
    end
    local wait_ms = math.min(terms.max_ms, terms.first_ms * 2 ^ math.min(count, 30))
    count = count + 1
    local until_ms = string.format("%d", now_ms + wait_ms)
    redis.call("HSET", key, "count", count, "since_ms", now_ms, "until_ms", until_ms, "why", why)
    redis.call("PEXPIRE", key, string.format("%d", wait_ms + count * terms.forgive_ms))
    event(log, "player.penalised", now_ms, { player = player, why = why, count = count, until_ms = tonumber(until_ms) })
  end
end
