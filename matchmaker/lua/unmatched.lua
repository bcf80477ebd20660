--[[
  A ticket has waited long without a match: it is told so, and why.

  KEYS[1] base    the queue
  ARGV[1] now_ms  integer
  ARGV[2] ticket  ticket id
  ARGV[3] why     a sentence, or "" when nobody looked

  Returns: 1 when told, 0 when it waits no more
]]
-- include: core:event
-- include: queue
local now_ms, id = ARGV[1], ARGV[2]
local held = redis.call("HMGET", ticket_key(id), "status", "enqueued_ms")
if held[1] ~= "QUEUED" then return 0 end
redis.call("HSET", ticket_key(id), "why", ARGV[3])
local ver = redis.call("HINCRBY", ticket_key(id), "ver", 1)
local waited_ms = tonumber(now_ms) - tonumber(held[2])
event(log, "ticket.unmatched", now_ms, { ticket = id, ver = ver, waited_ms = waited_ms, why = ARGV[3] })
tell_ticket(id, now_ms)
return 1
