--[[
  Take a ticket out at its owner's wish, or an operator's. While its match is being placed, or its
  players are asked, this closes the match, so that cancel and commit are decided in one place: here or there, never both.

  KEYS[1] base     the queue
  KEYS[2] players  hash  player -> live ticket
  ARGV[1] ticket   ticket id
  ARGV[2] now_ms   integer
  ARGV[3] reason   asked, or operator
  ARGV[4] terms    JSON of the queue's penalties, or "": to leave a match that asks is to decline it

  Returns: {"cancelled", ver} | {"ended", status} | {"absent"}
]]
-- include: core:event
-- include: queue
-- include: penalty
local id, now_ms = ARGV[1], ARGV[2]
local held = redis.call("HMGET", ticket_key(id), "status", "match", "players")
local status, match = held[1], held[2]
if not status then return { "absent" } end
if status ~= "QUEUED" and not is_taken(status) then return { "ended", status } end

local ver = end_ticket(KEYS[2], id, "CANCELLED", now_ms, ARGV[3])
event(log, "ticket.cancelled", now_ms, { ticket = id, ver = ver })
if is_taken(status) then close_match(match, now_ms, "cancelled", id) end
tell_ticket(id, now_ms)
if status == "REQUIRES_ACCEPTANCE" and ARGV[3] == "asked" then
  penalise(cjson.decode(held[3]), "declined", now_ms, ARGV[4])
end
return { "cancelled", ver }
