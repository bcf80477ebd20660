--[[
  What came of a match. The first result stands.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match   match id
  ARGV[2] server  server uid
  ARGV[3] epoch   session epoch
  ARGV[4] result  JSON

  Returns: 1 if the session has a result, 0 if it is not this server's at this epoch, or ended
  Cost: O(1)
]]
-- include: fleet
local held = redis.call("HMGET", session_key(ARGV[1]), "state", "server", "epoch", "result")
if held[2] ~= ARGV[2] or held[3] ~= ARGV[3] then return 0 end
if held[4] then return 1 end
if held[1] == "ended" then return 0 end
redis.call("HSET", session_key(ARGV[1]), "result", ARGV[4])
return 1
