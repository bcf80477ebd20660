--[[
  Take all tickets of a match together, or none. Where the queue asks its players first, the match
  goes on to its room when all of them have accepted it.

  KEYS[1] base         the queue
  ARGV[1] epoch        of the director
  ARGV[2] now_ms       integer
  ARGV[3] match        match id
  ARGV[4] tickets      JSON list of ticket ids
  ARGV[5] teams        JSON {team: list of [ticket, player]}, in order of seats
  ARGV[6] deadline_ms  until when the match must be committed
  ARGV[7] fleets       JSON list of fleets that may give it a room; the first is asked
  ARGV[8] accept_by_ms until when every player must have accepted; 0 where nobody is asked
  ARGV[9] receipt      JSON of why it was made, or ""
  ARGV[10] fill        JSON of the running match that these are newcomers to, or ""

  Returns: {"proposed"} | {"asking"} | {"stale"} | {"paused"} | {"over"} when the running match asks for nobody any more, or others are on their way to it | {"gone", ticket, ...} | {state of a match that is there already}
]]
-- include: core:event
-- include: queue
local now_ms, match = ARGV[2], ARGV[3]
if not is_current(ARGV[1]) then return { "stale" } end
local before = redis.call("HGET", match_key(match), "state")
if before then return { before } end
if redis.call("EXISTS", base .. ":paused") == 1 then return { "paused" } end

local fill = ARGV[10] ~= "" and cjson.decode(ARGV[10])
if fill then
  local running = redis.call("HMGET", match_key(fill.of), "state", "ended")
  local asked = redis.call("HMGET", backfill_key(fill.of), "id", "filling")
  local ends_ms = tonumber(redis.call("ZSCORE", backfill_ends, fill.of) or math.huge)
  if running[1] ~= "committed" or running[2] then
    end_backfill(fill.of, now_ms, "ended")
    return { "over" }
  end
  if asked[1] ~= fill.backfill or asked[2] then return { "over" } end
  if ends_ms <= tonumber(now_ms) then
    expire_backfill(fill.of, now_ms)
    return { "over" }
  end
end

local tickets, gone = cjson.decode(ARGV[4]), { "gone" }
for _, id in ipairs(tickets) do
  if redis.call("HGET", ticket_key(id), "status") ~= "QUEUED" then gone[#gone + 1] = id end
end
if #gone > 1 then return gone end

local accept_by_ms = tonumber(ARGV[8])
local asks = accept_by_ms > 0
local status = asks and "REQUIRES_ACCEPTANCE" or "PLACING"
for _, id in ipairs(tickets) do
  redis.call("HSET", ticket_key(id), "status", status, "match", match, "reason", "")
  if asks then redis.call("HSET", ticket_key(id), "accept_by_ms", ARGV[8], "accepted", "") end
  redis.call("HINCRBY", ticket_key(id), "ver", 1)
end
redis.call("HSET", match_key(match), "state", asks and "asking" or "proposed", "epoch", ARGV[1], "tickets", ARGV[4],
  "teams", ARGV[5], "deadline_ms", ARGV[6], "fleet", cjson.decode(ARGV[7])[1], "fleets", ARGV[7], "proposed_ms", now_ms, "receipt", ARGV[9])
if fill then
  redis.call("HSET", match_key(match), "of", fill.of, "fill", ARGV[10])
  redis.call("HSET", backfill_key(fill.of), "filling", match)
end
local said = { match = match, epoch = tonumber(ARGV[1]), tickets = tickets }
if ARGV[9] ~= "" then said.receipt = ARGV[9] end
if fill then said.of, said.backfill = fill.of, fill.backfill end
if asks then said.accept_by_ms = accept_by_ms end
event(log, "match.proposed", now_ms, said)
if not asks then
  redis.call("ZADD", placing, ARGV[6], match)
  return { "proposed" }
end
local awaited = 0
for _, seats in pairs(cjson.decode(ARGV[5])) do awaited = awaited + #seats end
redis.call("HSET", match_key(match), "awaited", awaited, "told", 1)
redis.call("ZADD", asking, accept_by_ms, match)
for _, id in ipairs(tickets) do tell_ticket(id, now_ms) end
return { "asking" }
