--[[
  Let matches whose deadline has passed leave the waiting line, also when no room comes free;
  rooms that lapsed entries kept from the line go to the others.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] now_ms  integer
  ARGV[2] limit   how many entries to look at, longest wait first
  ARGV[3] ack_ms  how long a server may take to acknowledge a match

  Returns: how many left
  Cost: O(limit)
]]
-- include: core:event
-- include: fleet
-- include: line
local now_ms, left = tonumber(ARGV[1]), 0
for _, match in ipairs(redis.call("ZRANGE", key("waiting"), 0, tonumber(ARGV[2]) - 1)) do
  local order = cjson.decode(redis.call("HGET", key("orders-waiting"), match))
  if order.deadline_ms <= now_ms then
    time_out(match, now_ms)
    left = left + 1
  end
end
serve(now_ms, tonumber(ARGV[3]))
return left
