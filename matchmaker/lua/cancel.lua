--[[
  Take a ticket out at its owner's wish, or an operator's. While its match is being placed, or its
  players are asked, this closes the match, so that cancel and commit are decided in one place: here or there, never both.

  KEYS[1] base     the queue
  KEYS[2] players  hash  player -> live ticket
  ARGV[1] ticket   ticket id
  ARGV[2] now_ms   integer
  ARGV[3] reason   asked, or operator

  Returns: {"cancelled", ver} | {"ended", status} | {"absent"}
]]
-- include: core:event
-- include: queue
local id, now_ms = ARGV[1], ARGV[2]
local held = redis.call("HMGET", ticket_key(id), "status", "match")
local status, match = held[1], held[2]
if not status then return { "absent" } end
if status ~= "QUEUED" and not is_taken(status) then return { "ended", status } end

local ver = end_ticket(KEYS[2], id, "CANCELLED", now_ms, ARGV[3])
event(log, "ticket.cancelled", now_ms, { ticket = id, ver = ver })
if is_taken(status) then close_match(match, now_ms, "cancelled", id) end
tell_ticket(id, now_ms)
return { "cancelled", ver }
