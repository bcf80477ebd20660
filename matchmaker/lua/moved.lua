--[[
  A committed match got another room: its players are told the new place.

  KEYS[1] base       the queue
  ARGV[1] now_ms     integer
  ARGV[2] match      match id
  ARGV[3] placement  JSON of the new room; its epoch is higher than the one before

  Returns: 1 when told now, 0 when that epoch or a later one is known already, or it is over
]]
-- include: core:event
-- include: queue
local now_ms, match = ARGV[1], ARGV[2]
local key = match_key(match)
local record = redis.call("HMGET", key, "state", "tickets", "teams", "placement", "announced", "ended")
if record[1] ~= "committed" or record[6] then return 0 end
local placement = cjson.decode(ARGV[3])
if placement.epoch <= cjson.decode(record[4]).epoch then return 0 end

redis.call("HSET", key, "placement", ARGV[3])
end_backfill(match, now_ms, "moved") -- the server that has it now says what it lacks
event(log, "match.moved", now_ms, {
  match = match, fleet = placement.fleet, room = placement.room, server = placement.server,
  session_epoch = placement.epoch,
})
if record[5] then -- else the announcement to come carries the new place
  local vers, enqueued = {}, {}
  for _, id in ipairs(cjson.decode(record[2])) do
    local enqueued_ms = redis.call("HGET", ticket_key(id), "enqueued_ms")
    if enqueued_ms then -- a ticket that ended an hour ago is gone, and is not brought back
      vers[id] = redis.call("HINCRBY", ticket_key(id), "ver", 1)
      enqueued[id] = tonumber(enqueued_ms)
    end
  end
  tell("assigned", now_ms, { match = match, teams = cjson.decode(record[3]), placement = placement, vers = vers, enqueued = enqueued, formed_us = "0" })
end
return 1
