--[[
  The match is known to be committed: its claim no longer lapses.

  KEYS[1] fleet  {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match  match id

  Returns: 1 if its session lives, 0 if not
  Cost: O(log claims)
]]
-- include: fleet
local state = redis.call("HGET", session_key(ARGV[1]), "state")
redis.call("ZREM", key("claims"), ARGV[1])
if not state or over(state) then return 0 end
redis.call("HSET", session_key(ARGV[1]), "committed", "1")
return 1
