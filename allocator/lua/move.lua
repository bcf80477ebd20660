--[[
  The match's server does not answer, is gone, or asks for it: another room, at a higher epoch.
  The old room, and its server's free ones, are suspect until the server is heard again. When
  none is free the match waits at the front of the line. Only a match that is due in `acks` is
  moved, so an acknowledgement that came meanwhile wins; so does a result. One that was
  played is handing-over until its new server takes it.

  KEYS[1] fleet        {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match        match id
  ARGV[2] epoch        the epoch that is to be left
  ARGV[3] deadline_ms  until when the match may wait for the other room
  ARGV[4] now_ms       integer
  ARGV[5] ack_ms       how long a server may take to acknowledge a match
  ARGV[6] played       1 if a match that somebody has joined may be moved, else 0

  Returns: {room, server, address, port, epoch} where it is now; {} while it waits for a
    room; {""} when there is nothing to move: ended, unknown, not due, its result is known, or
    somebody has joined and may not be moved
  Cost: O(players), O(log rooms), O(rooms of the server)
]]
-- include: core:event
-- include: fleet
-- include: line
-- include: rooms
local match, now_ms = ARGV[1], tonumber(ARGV[4])
local fields = { "state", "room", "server", "address", "port", "epoch", "queue", "players",
  "claimed_ms", "joined_ms", "result", "snapshot_ms", "snapshot_n" }
local held = redis.call("HMGET", session_key(match), unpack(fields))
local played = held[10] and held[10] ~= ""
if not held[1] or over(held[1]) or held[11] then return { "" } end
if played and ARGV[6] ~= "1" then return { "" } end
if held[2] == "" then return {} end
if held[6] ~= ARGV[2] then return { held[2], held[3], held[4], held[5], held[6] } end
local due_ms = redis.call("ZSCORE", key("acks"), match)
if not due_ms or tonumber(due_ms) > now_ms then return { "" } end

if held[1] == "active" then
  log("session.handover", now_ms, { match = match, room = held[2], server = held[3],
    session_epoch = tonumber(held[6]), snapshot_ms = tonumber(held[12]) or 0 })
end
-- Servers in a row that took it and kept nothing of it: it may be what kills them.
if held[13] then
  redis.call("HSET", session_key(match), "handovers", 0)
elseif held[1] == "active" or held[1] == "acked" then
  redis.call("HINCRBY", session_key(match), "handovers", 1)
end
vacate(held[2], match, "suspect", "moved", now_ms)
distrust(held[3], now_ms)
redis.call("HSET", session_key(match), "state", played and "handing-over" or "pending",
  "from", held[2], "room", "", "server", "", "address", "", "port", 0, "acked_ms", "")
redis.call("ZREM", key("acks"), match)
local head = redis.call("ZRANGE", key("waiting"), 0, 0, "WITHSCORES")
local place = tonumber(held[9])
if head[1] and tonumber(head[2]) <= place then place = tonumber(head[2]) - 1 end
redis.call("ZADD", key("waiting"), place, match)
redis.call("HSET", key("orders-waiting"), match, cjson.encode({ match = match, queue = held[7],
  players = cjson.decode(held[8]), deadline_ms = tonumber(ARGV[3]) }))
serve(now_ms, tonumber(ARGV[5]))

held = redis.call("HMGET", session_key(match), "room", "server", "address", "port", "epoch")
if held[1] ~= "" then return held end
log("match.waiting", now_ms,
  { match = match, from = redis.call("HGET", session_key(match), "from"),
    session_epoch = tonumber(held[5]) })
return {}
