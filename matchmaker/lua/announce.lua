--[[
  Tell the players of a committed match where to go. Comes after the commit is durable.

  KEYS[1] base       the queue
  ARGV[1] now_ms     integer
  ARGV[2] match      match id
  ARGV[3] formed_us  when the match and a free room both existed, microseconds
  ARGV[4] claim_us   how long the claim took, microseconds; 0 when it waited in line
  ARGV[5] traceparents  JSON {ticket: traceparent} of those that are traced, or ""

  Returns: 1 when told now, 0 when it was told before, is not committed, or is over
]]
-- include: core:event
-- include: queue
local now_ms, match = ARGV[1], ARGV[2]
local key = match_key(match)
local record = redis.call("HMGET", key, "state", "announced", "tickets", "teams", "placement", "epoch", "ended", "of")
if record[1] ~= "committed" or record[2] or record[7] then return 0 end

local of, teams, reason = record[8], record[4], nil
if of then -- newcomers are told of the match that they are in now, and where it is now
  local running = redis.call("HMGET", match_key(of), "teams", "placement", "ended")
  teams, record[5], reason = running[1], running[2], running[3] or not running[1] and "ended"
end
if reason then -- it was over before they could be told
  redis.call("HSET", key, "announced", now_ms, "ended", reason)
  redis.call("EXPIRE", key, RETENTION_S)
  redis.call("ZREM", unannounced, match)
  event(log, "match.ended", now_ms, { match = match, reason = reason })
  fail(cjson.decode(record[3]), reason, now_ms)
  return 0
end

local tickets, placement, vers = cjson.decode(record[3]), cjson.decode(record[5]), {}
local enqueued = {}
local ver_max = 0
for _, id in ipairs(tickets) do
  local enqueued_ms = redis.call("HGET", ticket_key(id), "enqueued_ms")
  if enqueued_ms then -- a ticket that ended an hour ago is gone, and is not brought back
    redis.call("HSET", ticket_key(id), "status", "COMPLETED")
    vers[id] = redis.call("HINCRBY", ticket_key(id), "ver", 1)
    enqueued[id] = tonumber(enqueued_ms)
    ver_max = math.max(ver_max, vers[id])
  end
end
redis.call("HSET", key, "announced", now_ms)
redis.call("EXPIRE", key, 2 * RETENTION_S) -- a session may last long; its end sets a shorter one
redis.call("ZREM", unannounced, match)
event(log, "match.announced", now_ms, {
  match = match, epoch = tonumber(record[6]), tickets = tickets, fleet = placement.fleet,
  room = placement.room, server = placement.server, session_epoch = placement.epoch,
  ver = ver_max, formed_us = ARGV[3], claim_us = tonumber(ARGV[4]), of = of or nil,
})
local said = {
  match = of or match, teams = cjson.decode(teams), placement = placement, vers = vers, enqueued = enqueued, formed_us = ARGV[3],
}
if ARGV[5] ~= "" then said.traceparents = cjson.decode(ARGV[5]) end
tell("assigned", now_ms, said)
return 1
