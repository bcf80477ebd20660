--[[
  A match waits in line for a room; its players are told that they are being placed.

  KEYS[1] base    the queue
  ARGV[1] now_ms  integer
  ARGV[2] match   match id

  Returns: how many tickets were told; 0 when the match is no longer being placed
]]
-- include: core:event
-- include: queue
local record = redis.call("HMGET", match_key(ARGV[2]), "state", "tickets")
if record[1] ~= "proposed" then return 0 end
local tickets = cjson.decode(record[2])
redis.call("HSET", match_key(ARGV[2]), "told", 1)
for _, id in ipairs(tickets) do
  tell_ticket(id, ARGV[1])
end
return #tickets
