--[[
  Players of one ticket accept the match that was formed, or decline it. When all of its players have
  accepted it goes on to its room; when one declines it is closed, and everybody else waits again.

  KEYS[1] base         the queue
  KEYS[2] players      hash  player -> live ticket
  ARGV[1] ticket       ticket id
  ARGV[2] match        the match they were asked about; an answer about another counts for nothing
  ARGV[3] answering    JSON list of those of the ticket's players who answer
  ARGV[4] accept       1, or 0 to decline
  ARGV[5] now_ms       integer
  ARGV[6] deadline_ms  until when the match must be committed, should this be the last answer
  ARGV[7] terms        JSON of the queue's penalties, or ""

  Returns: "accepted" | "declined" (each also again) | "late" when that match asks this ticket no
  more, or never did | "absent"
]]
-- include: core:event
-- include: queue
-- include: penalty
local id, match, accepts, now_ms = ARGV[1], ARGV[2], ARGV[4] == "1", ARGV[5]
local held = redis.call("HMGET", ticket_key(id), "status", "match", "accepted", "reason")
if not held[1] then return "absent" end
if held[2] ~= match then return "late" end
local accepted = (held[3] or "") ~= "" and cjson.decode(held[3]) or {}
if held[1] ~= "REQUIRES_ACCEPTANCE" then
  local went_on = held[1] == "PLACING" or held[1] == "COMMITTED" or held[1] == "COMPLETED"
  if accepts and went_on and #accepted > 0 then return "accepted" end
  if not accepts and held[4] == "declined" then return "declined" end
  return "late"
end

local answering = cjson.decode(ARGV[3])
if not accepts then
  event(log, "ticket.declined", now_ms, { ticket = id, match = match, players = answering })
  local ver = end_ticket(KEYS[2], id, "CANCELLED", now_ms, "declined")
  event(log, "ticket.cancelled", now_ms, { ticket = id, ver = ver, reason = "declined" })
  close_match(match, now_ms, "declined", id)
  penalise(answering, "declined", now_ms, ARGV[7])
  tell_ticket(id, now_ms)
  return "declined"
end

local known, new = {}, {}
for _, player in ipairs(accepted) do known[player] = true end
for _, player in ipairs(answering) do
  if not known[player] then
    new[#new + 1] = player
    accepted[#accepted + 1] = player
  end
end
if #new == 0 then return "accepted" end
redis.call("HSET", ticket_key(id), "accepted", cjson.encode(accepted))
local ver = redis.call("HINCRBY", ticket_key(id), "ver", 1)
event(log, "ticket.accepted", now_ms, { ticket = id, match = match, players = new, ver = ver })
local awaited = redis.call("HINCRBY", match_key(match), "awaited", -#new)
if awaited > 0 then
  tell_ticket(id, now_ms)
  return "accepted"
end

local tickets = cjson.decode(redis.call("HGET", match_key(match), "tickets"))
redis.call("HSET", match_key(match), "state", "proposed", "deadline_ms", ARGV[6])
redis.call("ZREM", asking, match)
redis.call("ZADD", placing, ARGV[6], match)
event(log, "match.accepted", now_ms, { match = match, tickets = tickets })
for _, one in ipairs(tickets) do
  redis.call("HSET", ticket_key(one), "status", "PLACING")
  redis.call("HINCRBY", ticket_key(one), "ver", 1)
  tell_ticket(one, now_ms)
end
return "accepted"
