--[[
  Take a server out of the reserve for good: free and suspect rooms become retiring now, held
  ones when their match is over.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] server  server uid
  ARGV[2] now_ms  integer

  Returns: how many of its rooms still hold a match
  Cost: O(rooms of the server)
]]
-- include: core:event
-- include: fleet
-- include: rooms
local held, now_ms = 0, tonumber(ARGV[2])
for n = 0, 4095 do
  local room = ARGV[1] .. "/" .. n
  local state = redis.call("HGET", room_key(room), "state")
  if not state then break end
  if state == "held" then
    held = held + 1
    redis.call("HSET", room_key(room), "leaving", "1")
  elseif state == "free" then
    put_aside(room, "retiring", now_ms)
  elseif state == "suspect" then
    redis.call("ZREM", key("suspect"), room)
    redis.call("HSET", room_key(room), "state", "retiring")
    redis.call("ZADD", key("retiring"), now_ms, room)
  end
end
return held
