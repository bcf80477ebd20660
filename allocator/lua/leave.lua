--[[
  The match gets its room in another fleet: it leaves this one's line and can never claim
  here again, not even by a call that is still on its way.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match   match id
  ARGV[2] now_ms  integer

  Returns: 1 if the fleet has nothing for it and never will (also the second time), 0 if it
    has a room here, or had one and waits for another
  Cost: O(log line)
]]
-- include: core:event
-- include: fleet
-- include: line
local match, now_ms = ARGV[1], tonumber(ARGV[2])
local state = redis.call("HGET", session_key(match), "state")
if state then return over(state) and 1 or 0 end
if redis.call("ZSCORE", key("waiting"), match) then
  leave_line(match)
  log("claim.left", now_ms, { match = match, reason = "elsewhere" })
end
-- What a claim finds: a session that is over. By the time it is forgotten, the claim's own
-- deadline has passed.
redis.call("HSET", session_key(match), "match", match, "queue", "", "players", "[]",
  "room", "", "server", "", "address", "", "port", 0, "epoch", 0, "state", "ended",
  "committed", "0", "claimed_ms", now_ms, "ended_ms", now_ms, "reason", "elsewhere")
redis.call("EXPIRE", session_key(match), 3600)
return 1
