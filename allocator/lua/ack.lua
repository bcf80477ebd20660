--[[
  A server takes the match it was assigned: compare-and-set on server, room and epoch.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match   match id
  ARGV[2] room    room id
  ARGV[3] server  server uid
  ARGV[4] epoch   session epoch
  ARGV[5] now_ms  integer
  ARGV[6] by      whose word it is: server (its own), label (of the server, seen by the
    backend) or patch (the cluster took what was written for it)

  Returns: {why not, claimed_ms}; "" if the server has the match (also the second time), else
    unknown, moved or ended; claimed_ms is 0 except the first time that any server takes it
  Cost: O(log sessions)
]]
-- include: core:event
-- include: fleet
local match, now_ms = ARGV[1], tonumber(ARGV[5])
local held = redis.call("HMGET", session_key(match), "state", "room", "server", "epoch", "claimed_ms")
if not held[1] then return { "unknown", "0" } end
if over(held[1]) then return { "ended", "0" } end
if held[2] ~= ARGV[2] or held[3] ~= ARGV[3] or held[4] ~= ARGV[4] then return { "moved", "0" } end
local first = held[1] == "pending"
if not first and held[1] ~= "handing-over" then return { "", "0" } end
redis.call("HSET", session_key(match), "state", "acked", "acked_ms", now_ms)
redis.call("ZREM", key("acks"), match)
log("room.acked", now_ms, { room = held[2], match = match, server = held[3],
  session_epoch = tonumber(held[4]), by = ARGV[6] })
return { "", first and held[5] or "0" }
