--[[
  The match stands, whole, or comes to nothing. A cancel decides the same thing at the
  same place, so exactly one of the two wins.

  KEYS[1] base       the queue
  KEYS[2] players    hash  player -> live ticket
  ARGV[1] epoch      of the director
  ARGV[2] now_ms     integer
  ARGV[3] match      match id
  ARGV[4] placement  JSON of the room that is held for it

  Returns: "committed" (also when it was before) | "closed" | "stale"
]]
-- include: core:event
-- include: queue
local now_ms, match = ARGV[2], ARGV[3]
if not is_current(ARGV[1]) then return "stale" end
local record = redis.call("HMGET", match_key(match), "state", "tickets", "teams", "of")
if record[1] == "committed" then return "committed" end
if record[1] ~= "proposed" then return "closed" end

local tickets = cjson.decode(record[2])
for _, id in ipairs(tickets) do
  local held = redis.call("HMGET", ticket_key(id), "status", "match")
  if held[1] ~= "PLACING" or held[2] ~= match then
    close_match(match, now_ms, "incomplete", "")
    return "closed"
  end
end
local of = record[4]
local running = of and redis.call("HMGET", match_key(of), "state", "ended")
if running and (running[1] ~= "committed" or running[2]) then
  close_match(match, now_ms, "ended", "")
  return "closed"
end

for _, id in ipairs(tickets) do
  -- Reads say PLACING until the match is announced: nobody is told what may still be lost.
  end_ticket(KEYS[2], id, "COMMITTED", now_ms, "")
end
redis.call("HSET", match_key(match), "state", "committed", "placement", ARGV[4], "committed_ms", now_ms, "epoch", ARGV[1])
redis.call("ZREM", placing, match)
redis.call("ZADD", unannounced, now_ms, match)
event(log, "match.committed", now_ms, { match = match, epoch = tonumber(ARGV[1]), tickets = tickets,
  teams = cjson.decode(record[3]), of = of or nil })
if of then -- from here on they are players of the match that runs
  local fill = cjson.decode(redis.call("HGET", match_key(match), "fill"))
  local all = cjson.decode(redis.call("HGET", match_key(of), "tickets"))
  for _, id in ipairs(tickets) do
    all[#all + 1] = id
    redis.call("HSET", ticket_key(id), "match", of)
  end
  redis.call("HSET", match_key(of), "tickets", cjson.encode(all), "teams", fill.after)
  redis.call("HINCRBY", match_key(of), "fills", 1)
  end_backfill(of, now_ms, "filled")
end
return "committed"
