--[[
  Take, keep or give up the leadership of one thing. Each new term has a higher epoch,
  which is what fences: scripts refuse a smaller one, whatever the holder's clock says.

  KEYS[1] leader   hash  holder, epoch, until_ms
  KEYS[2] log      stream of events
  ARGV[1] holder   who asks
  ARGV[2] now_ms   integer
  ARGV[3] lease_ms integer; 0 gives the lease up

  Returns: the epoch held, or 0 when somebody else leads
]]
-- include: event
local holder, now_ms, lease_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local held = redis.call("HMGET", KEYS[1], "holder", "epoch", "until_ms")
local epoch, until_ms = tonumber(held[2] or "0"), tonumber(held[3] or "0")
local mine = held[1] == holder and until_ms > now_ms

if lease_ms == 0 then
  if mine then redis.call("HSET", KEYS[1], "until_ms", 0) end
  return 0
end
if not mine then
  if until_ms > now_ms then return 0 end
  epoch = epoch + 1
  redis.call("HSET", KEYS[1], "holder", holder, "epoch", epoch)
  event(KEYS[2], "leader.elected", now_ms, { epoch = epoch, holder = holder })
end
redis.call("HSET", KEYS[1], "until_ms", now_ms + lease_ms)
return epoch
