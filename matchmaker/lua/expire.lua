--[[
  End tickets whose lifetime is over or whose owner has gone; a ticket that a match has
  taken, or that is not to be ended now, is looked at again a second later.

  KEYS[1] base     the queue
  KEYS[2] players  hash  player -> live ticket
  ARGV[1] now_ms   integer
  ARGV[2] limit    tickets at most in one call
  ARGV[3] absent_too  1 to end tickets whose owner has gone; 0 while nobody could be heard

  Returns: how many were due; call again when it is the limit
]]
-- include: core:event
-- include: queue
local now_ms = tonumber(ARGV[1])
local due = redis.call("ZRANGEBYSCORE", live, "-inf", now_ms, "LIMIT", 0, ARGV[2])
for _, id in ipairs(due) do
  local key = ticket_key(id)
  local held = redis.call("HMGET", key, "status", "expires_ms")
  local over = tonumber(held[2] or 0) <= now_ms
  if held[1] == "QUEUED" and (over or ARGV[3] == "1") then
    local reason = over and "lifetime" or "absent"
    local ver = end_ticket(KEYS[2], id, "TIMED_OUT", now_ms, reason)
    local why = redis.call("HGET", key, "why") or nil -- as it was told when it had waited long
    event(log, "ticket.expired", now_ms, { ticket = id, ver = ver, reason = reason, why = why })
    tell_ticket(id, now_ms)
  elseif held[1] == "QUEUED" or is_taken(held[1]) then
    redis.call("ZADD", live, now_ms + 1000, id)
  else
    redis.call("ZREM", live, id)
  end
end
return #due
