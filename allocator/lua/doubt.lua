--[[
  A match's server is silent, or will not have it: the match is due to be looked at now.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match   match id
  ARGV[2] epoch   session epoch
  ARGV[3] now_ms  integer

  Returns: 1 if it is due, 0 if its session ended, is at another epoch, or has left its server
    already and waits for a room
  Cost: O(log sessions)
]]
-- include: fleet
local held = redis.call("HMGET", session_key(ARGV[1]), "state", "epoch", "room")
if not held[1] or over(held[1]) or held[2] ~= ARGV[2] or held[3] == "" then return 0 end
redis.call("ZADD", key("acks"), "LT", ARGV[3], ARGV[1])
return 1
