--[[
  The owners of these tickets are still there.

  KEYS[1] base         the queue
  ARGV[1] tickets      JSON list of ticket ids, a few hundred at most
  ARGV[2] presence_ms  until when they count as present

  Returns: how many of them still wait
]]
-- include: core:event
-- include: queue
local presence_ms, present = tonumber(ARGV[2]), 0
for _, id in ipairs(cjson.decode(ARGV[1])) do
  local key = ticket_key(id)
  local held = redis.call("HMGET", key, "expires_ms", "presence_ms")
  if held[1] and held[2] ~= "0" and redis.call("ZSCORE", live, id) then
    redis.call("HSET", key, "presence_ms", presence_ms)
    redis.call("ZADD", live, math.min(tonumber(held[1]), presence_ms), id)
    present = present + 1
  end
end
return present
