--[[
  A suspect room's server was heard, and the room is empty: back to the reserve, or straight
  to the head of the waiting line.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] room    room id
  ARGV[2] now_ms  integer
  ARGV[3] ack_ms  how long a server may take to acknowledge a match

  Returns: 1 if it was suspect, else 0
  Cost: O(log rooms)
]]
-- include: core:event
-- include: fleet
-- include: line
local room, now_ms = ARGV[1], tonumber(ARGV[2])
local was = redis.call("HMGET", room_key(room), "state", "server")
if was[1] ~= "suspect" then return 0 end
redis.call("ZREM", key("suspect"), room)
redis.call("HSET", room_key(room), "state", "free")
offer(room, now_ms)
log("room.added", now_ms, { room = room, server = was[2] })
serve(now_ms, tonumber(ARGV[3]))
return 1
