--[[
  End the requests of running matches whose time is over; the server's, where one waits beneath,
  stands then. While newcomers are on their way they decide: it is looked at again a second later.

  KEYS[1] base    the queue
  ARGV[1] now_ms  integer
  ARGV[2] limit   requests at most in one call

  Returns: how many were due; call again when it is the limit
]]
-- include: core:event
-- include: queue
local now_ms = ARGV[1]
local due = redis.call("ZRANGEBYSCORE", backfill_ends, "-inf", now_ms, "LIMIT", 0, ARGV[2])
for _, match in ipairs(due) do
  if redis.call("HGET", backfill_key(match), "filling") then
    redis.call("ZADD", backfill_ends, tonumber(now_ms) + 1000, match)
  else
    expire_backfill(match, now_ms)
  end
end
return #due
