--[[
  A match is over; its players are told.

  KEYS[1] base    the queue
  ARGV[1] now_ms  integer
  ARGV[2] match   match id
  ARGV[3] reason  finished | lost | no-join | failed

  Returns: 1 when told now, 0 when it was told before or is unknown
]]
-- include: core:event
-- include: queue
local key = match_key(ARGV[2])
local record = redis.call("HMGET", key, "state", "teams", "ended")
if record[1] ~= "committed" or record[3] then return 0 end
redis.call("HSET", key, "ended", ARGV[3])
redis.call("EXPIRE", key, RETENTION_S)
event(log, "match.ended", ARGV[1], { match = ARGV[2], reason = ARGV[3] })
tell("ended", ARGV[1], { match = ARGV[2], teams = cjson.decode(record[2]), reason = ARGV[3] })
return 1
