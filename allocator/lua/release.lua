--[[
  A server is done with a match: the session ends and the room goes back to the reserve, or
  straight to the head of the waiting line. Compare-and-set on server, room and epoch.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match   match id
  ARGV[2] room    room id
  ARGV[3] server  server uid
  ARGV[4] epoch   session epoch
  ARGV[5] reason  finished, no-join or failed
  ARGV[6] now_ms  integer
  ARGV[7] ack_ms  how long a server may take to acknowledge a match
  ARGV[8] retire_after  matches after which its server is retired; 0 = never
  ARGV[9] left    JSON list of players who had left and not come back, or ""

  Returns: 1 if the session has ended at this server and epoch (also the second time), else 0
  Cost: O(log rooms)
]]
-- include: core:event
-- include: fleet
-- include: line
-- include: rooms
local match, now_ms = ARGV[1], tonumber(ARGV[6])
local held = redis.call("HMGET", session_key(match), "state", "room", "server", "epoch")
if held[2] ~= ARGV[2] or held[3] ~= ARGV[3] or held[4] ~= ARGV[4] then return 0 end
if over(held[1]) then return 1 end
vacate(held[2], match, "free", ARGV[5], now_ms)
finish(match, held[2], held[4], ARGV[5], now_ms, ARGV[9] ~= "" and cjson.decode(ARGV[9]) or nil)
local served = redis.call("HINCRBY", key("served"), held[3], 1)
if tonumber(ARGV[8]) > 0 and served >= tonumber(ARGV[8]) then retire(held[3], now_ms) end
serve(now_ms, tonumber(ARGV[7]))
return 1
