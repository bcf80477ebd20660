--[[
  End a session that its server did not end; the room is suspect until its server is heard.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match   match id
  ARGV[2] epoch   session epoch
  ARGV[3] reason  lost, abandoned (no server was found to go on), failed, stopped, or finished
    when its result is known
  ARGV[4] now_ms  integer

  Returns: 1 if it has ended at this epoch (also the second time), 0 if unknown or moved on
  Cost: O(log rooms)
]]
-- include: core:event
-- include: fleet
-- include: rooms
local match, now_ms = ARGV[1], tonumber(ARGV[4])
local held = redis.call("HMGET", session_key(match), "state", "room", "epoch")
if held[3] ~= ARGV[2] then return 0 end
if over(held[1]) then return 1 end
vacate(held[2], match, "suspect", ARGV[3], now_ms)
finish(match, held[2], held[3], ARGV[3], now_ms)
return 1
