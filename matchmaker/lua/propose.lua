--[[
  Take all tickets of a match together, or none.

  KEYS[1] base         the queue
  ARGV[1] epoch        of the director
  ARGV[2] now_ms       integer
  ARGV[3] match        match id
  ARGV[4] tickets      JSON list of ticket ids
  ARGV[5] teams        JSON {team: list of [ticket, player]}, in order of seats
  ARGV[6] deadline_ms  until when the match must be committed
  ARGV[7] fleets       JSON list of fleets that may give it a room; the first is asked

  Returns: {"proposed"} | {"stale"} | {"paused"} | {"gone", ticket, ...} | {state of a match that is there already}
]]
-- include: core:event
-- include: queue
local now_ms, match = ARGV[2], ARGV[3]
if not is_current(ARGV[1]) then return { "stale" } end
local before = redis.call("HGET", match_key(match), "state")
if before then return { before } end
if redis.call("EXISTS", base .. ":paused") == 1 then return { "paused" } end

local tickets, gone = cjson.decode(ARGV[4]), { "gone" }
for _, id in ipairs(tickets) do
  if redis.call("HGET", ticket_key(id), "status") ~= "QUEUED" then gone[#gone + 1] = id end
end
if #gone > 1 then return gone end

for _, id in ipairs(tickets) do
  redis.call("HSET", ticket_key(id), "status", "PLACING", "match", match)
  redis.call("HINCRBY", ticket_key(id), "ver", 1)
end
redis.call("HSET", match_key(match), "state", "proposed", "epoch", ARGV[1], "tickets", ARGV[4],
  "teams", ARGV[5], "deadline_ms", ARGV[6], "fleet", cjson.decode(ARGV[7])[1], "fleets", ARGV[7], "proposed_ms", now_ms)
redis.call("ZADD", placing, ARGV[6], match)
event(log, "match.proposed", now_ms, { match = match, epoch = tonumber(ARGV[1]), tickets = tickets })
return { "proposed" }
