--[[
  Drop the deadlines of a match that has no live session.

  KEYS[1] fleet  {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match  match id

  Returns: 1 if it has none, 0 if its session lives
  Cost: O(log sessions)
]]
-- include: fleet
local state = redis.call("HGET", session_key(ARGV[1]), "state")
if state and not over(state) then return 0 end
for _, index in ipairs({ "claims", "acks", "sessions" }) do
  redis.call("ZREM", key(index), ARGV[1])
end
return 1
