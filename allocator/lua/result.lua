--[[
  What came of a match. The first result stands.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match   match id
  ARGV[2] server  server uid
  ARGV[3] epoch   session epoch
  ARGV[4] result  JSON
  ARGV[5] now_ms  integer

  Returns: 1 if the session has a result, 0 if it is not this server's at this epoch, or ended
  Cost: O(1)
]]
-- include: core:event
-- include: fleet
local held = redis.call("HMGET", session_key(ARGV[1]), "state", "server", "epoch", "result")
if held[2] ~= ARGV[2] or held[3] ~= ARGV[3] then return 0 end
if held[4] then return 1 end
if over(held[1]) then return 0 end
redis.call("HSET", session_key(ARGV[1]), "result", ARGV[4])
log("session.result", ARGV[5], { match = ARGV[1], server = ARGV[2], session_epoch = tonumber(ARGV[3]) })
return 1
