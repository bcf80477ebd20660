--[[
  Forget a server that is gone, with all its rooms. Matches on them are due to be looked at
  now: the reaper moves or ends them, also when whoever called this dies first.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] server  server uid
  ARGV[2] reason  a word for the log
  ARGV[3] now_ms  integer

  Returns: the matches that were on it
  Cost: O(rooms of the server)
]]
-- include: core:event
-- include: fleet
local server, now_ms = ARGV[1], tonumber(ARGV[3])
local matches = {}
for n = 0, 4095 do
  local room = server .. "/" .. n
  local was = redis.call("HMGET", room_key(room), "state", "match")
  if not was[1] then break end
  redis.call("DEL", room_key(room))
  redis.call("SREM", key("rooms"), room)
  for _, index in ipairs({ "free", "suspect", "retiring" }) do
    redis.call("ZREM", key(index), room)
  end
  if was[1] == "free" or was[1] == "held" then
    log("room.removed", now_ms, { room = room, server = server, reason = ARGV[2] })
  end
  if was[1] == "held" then
    matches[#matches + 1] = was[2]
    redis.call("ZADD", key("acks"), now_ms, was[2])
  end
end
redis.call("HDEL", key("servers"), server)
redis.call("HDEL", key("server-keys"), server)
redis.call("HDEL", key("served"), server)
return matches
