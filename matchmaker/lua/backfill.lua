--[[
  A running match asks for players, or asks for them no more. One request of a match lives at a
  time; a newer one takes its place, except while newcomers are on their way because of it.

  KEYS[1] base      the queue
  ARGV[1] now_ms    integer
  ARGV[2] match     match id
  ARGV[3] backfill  id of the request; "" takes back the one that lives
  ARGV[4] fills     how often newcomers had come when the request was written
  ARGV[5] epoch     session epoch at which the match is played, as the asker knows it
  ARGV[6] request   JSON of it

  Returns: "open" (also again) | "withdrawn" | "ended" (also when unknown) | "moved" |
    "changed" when newcomers came meanwhile, to be written anew | "filling"
]]
-- include: core:event
-- include: queue
local now_ms, match, backfill = ARGV[1], ARGV[2], ARGV[3]
local held = redis.call("HMGET", match_key(match), "state", "ended", "placement", "fills")
if held[1] ~= "committed" or held[2] then return "ended" end
local before = redis.call("HMGET", backfill_key(match), "id", "filling")
if before[1] == backfill then return "open" end
if before[2] then return "filling" end
if backfill == "" then
  end_backfill(match, now_ms, "withdrawn")
  return "withdrawn"
end
if cjson.decode(held[3]).epoch ~= tonumber(ARGV[5]) then return "moved" end
if (held[4] or "0") ~= ARGV[4] then return "changed" end

end_backfill(match, now_ms, "replaced")
redis.call("HSET", backfill_key(match), "id", backfill, "request", ARGV[6])
redis.call("EXPIRE", backfill_key(match), 2 * RETENTION_S)
redis.call("SADD", backfills, match)
event(log, "backfill.asked", now_ms, { match = match, backfill = backfill, request = ARGV[6] })
return "open"
