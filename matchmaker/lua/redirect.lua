--[[
  A match is to get its room from another fleet. The one before was left for good by then, so
  that no two fleets ever have a room for it.

  KEYS[1] base    the queue
  ARGV[1] epoch   of the director
  ARGV[2] match   match id
  ARGV[3] from    fleet that was left
  ARGV[4] fleets  JSON list of those that may be asked from now on, the next one first

  Returns: {"stale"} | {state, fleets}: the match's state, and the fleets that its record names
]]
-- include: queue
local match = ARGV[2]
if not is_current(ARGV[1]) then return { "stale" } end
local record = redis.call("HMGET", match_key(match), "state", "fleet", "fleets")
if record[1] ~= "proposed" then return { record[1] or "closed", "" } end
if record[2] ~= ARGV[3] then return { "proposed", record[3] or "" } end
redis.call("HSET", match_key(match), "fleet", cjson.decode(ARGV[4])[1], "fleets", ARGV[4])
return { "proposed", ARGV[4] }
