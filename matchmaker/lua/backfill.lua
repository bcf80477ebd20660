--[[
  A running match asks for players, or asks for them no more. Its server and back ends have one
  request each; a newer one of the same takes its place, except while newcomers are on their way
  because of it. A back end's stands before the server's, which waits beneath it.

  KEYS[1] base       the queue
  ARGV[1] now_ms     integer
  ARGV[2] match      match id
  ARGV[3] by         server, or backend
  ARGV[4] backfill   id of the request; "" takes back: a back end whatever there is, a server its own
  ARGV[5] fills      how often newcomers had come when the request was written
  ARGV[6] epoch      session epoch at which the match is played, as the asker knows it
  ARGV[7] request    JSON of it
  ARGV[8] expires_ms when a back end's is over; 0 for never

  Returns: "open" (also again) | "withdrawn" | "ended" (also when unknown) | "moved" |
    "changed" when newcomers came meanwhile, to be written anew | "filling"
]]
-- include: core:event
-- include: queue
local now_ms, match, by, backfill = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local key = backfill_key(match)
local held = redis.call("HMGET", match_key(match), "state", "ended", "placement", "fills")
if held[1] ~= "committed" or held[2] then return "ended" end
local before = redis.call("HMGET", key, "id", "filling", "by", "request")

local function keep_time()
  if by ~= "backend" then return end
  if ARGV[8] == "0" then redis.call("ZREM", backfill_ends, match)
  else redis.call("ZADD", backfill_ends, ARGV[8], match) end
end

if backfill ~= "" and before[1] == backfill then
  keep_time()
  return "open"
end
if before[2] then return "filling" end
local beneath = by == "server" and before[3] == "backend"
if backfill == "" then
  if beneath then redis.call("HDEL", key, "beneath") else end_backfill(match, now_ms, "withdrawn") end
  return "withdrawn"
end
if cjson.decode(held[3]).epoch ~= tonumber(ARGV[6]) then return "moved" end
if (held[4] or "0") ~= ARGV[5] then return "changed" end

if beneath then
  redis.call("HSET", key, "beneath", cjson.encode({ backfill, ARGV[7] }))
  return "open"
end

local servers = redis.call("HGET", key, "beneath")
if by == "backend" and before[1] and before[3] ~= "backend" then
  servers = cjson.encode({ before[1], before[4] })
end
end_backfill(match, now_ms, "replaced")
stand_backfill(match, now_ms, backfill, by, ARGV[7])
if servers then redis.call("HSET", key, "beneath", servers) end
keep_time()
return "open"
