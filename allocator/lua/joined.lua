--[[
  A player is in. The first makes the session active, and proves that the match was
  committed: nobody has a join token before that.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match   match id
  ARGV[2] server  server uid
  ARGV[3] epoch   session epoch
  ARGV[4] now_ms  integer

  Returns: 1 if the session is active, 0 if it is not this server's at this epoch, or not acked
  Cost: O(log claims)
]]
-- include: fleet
local match = ARGV[1]
local held = redis.call("HMGET", session_key(match), "state", "server", "epoch")
if held[2] ~= ARGV[2] or held[3] ~= ARGV[3] then return 0 end
if held[1] == "active" then return 1 end
if held[1] ~= "acked" then return 0 end
redis.call("HSET", session_key(match), "state", "active", "committed", "1", "joined_ms", ARGV[4])
redis.call("ZREM", key("claims"), match)
return 1
