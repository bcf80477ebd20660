--[[
  Close matches whose players did not all answer in time. Tickets of those who slept end; who had
  accepted waits again with the age that it has.

  KEYS[1] base     the queue
  KEYS[2] players  hash  player -> live ticket
  ARGV[1] epoch    of the director
  ARGV[2] now_ms   integer
  ARGV[3] limit    matches at most in one call
  ARGV[4] terms    JSON of the queue's penalties, or ""

  Returns: how many were due, call again when it is the limit; -1 when a newer director leads
]]
-- include: core:event
-- include: queue
-- include: penalty
local now_ms = ARGV[2]

-- Players who have not accepted.
local function without(players, accepted)
  local known, left = {}, {}
  for _, player in ipairs(accepted ~= "" and cjson.decode(accepted) or {}) do known[player] = true end
  for _, player in ipairs(players) do
    if not known[player] then left[#left + 1] = player end
  end
  return left
end

if not is_current(ARGV[1]) then return -1 end
local due = redis.call("ZRANGEBYSCORE", asking, "-inf", now_ms, "LIMIT", 0, ARGV[3])
for _, match in ipairs(due) do
  for _, id in ipairs(cjson.decode(redis.call("HGET", match_key(match), "tickets"))) do
    local held = redis.call("HMGET", ticket_key(id), "status", "match", "players", "accepted")
    local asked = held[1] == "REQUIRES_ACCEPTANCE" and held[2] == match
    local slept = asked and without(cjson.decode(held[3]), held[4]) or {}
    if #slept > 0 then
      local ver = end_ticket(KEYS[2], id, "CANCELLED", now_ms, "unanswered")
      event(log, "ticket.cancelled", now_ms, { ticket = id, ver = ver, reason = "unanswered" })
      tell_ticket(id, now_ms)
      penalise(slept, "unanswered", now_ms, ARGV[4])
    end
  end
  close_match(match, now_ms, "unanswered", "")
end
return #due
