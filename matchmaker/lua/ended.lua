--[[
  A match is over; its players are told. One that ended before they were told where to go is
  announced no more: its tickets have failed. One that ended before it was committed is closed.

  KEYS[1] base    the queue
  ARGV[1] now_ms  integer
  ARGV[2] match   match id
  ARGV[3] reason  finished | lost | no-join | failed | stopped

  Returns: 1 when told now, 0 when it was told before, is unknown or was not committed
]]
-- include: core:event
-- include: queue
local key = match_key(ARGV[2])
local record = redis.call("HMGET", key, "state", "teams", "ended", "announced", "tickets")
if record[1] == "proposed" then close_match(ARGV[2], ARGV[1], ARGV[3], "") end
if record[1] ~= "committed" or record[3] then return 0 end
local teams, tickets = cjson.decode(record[2]), cjson.decode(record[5])
redis.call("HSET", key, "ended", ARGV[3])
redis.call("EXPIRE", key, RETENTION_S)
end_backfill(ARGV[2], ARGV[1], "ended")
event(log, "match.ended", ARGV[1], { match = ARGV[2], reason = ARGV[3] })
if record[4] then
  tell("ended", ARGV[1], { match = ARGV[2], teams = teams, reason = ARGV[3] })
  return 1
end
redis.call("ZREM", unannounced, ARGV[2])
fail(tickets, ARGV[3], ARGV[1])
return 1
