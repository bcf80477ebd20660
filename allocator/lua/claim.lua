--[[
  Hold a room for a match: one of the lowest rank, and among equals the one that has been free
  longest. The same match gets the same room again. When none is free, or the fleet is paused, it waits in line until its deadline and
  keeps its place.

  KEYS[1] fleet        {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match        match id
  ARGV[2] queue        queue name
  ARGV[3] players      JSON list of seated players
  ARGV[4] deadline_ms  until when it may wait, and until when the claim stands uncommitted
  ARGV[5] now_ms       integer
  ARGV[6] ack_ms       how long a server may take to acknowledge a match

  Returns: {room, server, address, port, epoch}; {} while it waits, or when it has ended
  Cost: O(players), O(log rooms)
]]
-- include: core:event
-- include: fleet
-- include: line
local match, queue, players = ARGV[1], ARGV[2], ARGV[3]
local deadline_ms, now_ms, ack_ms = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local function placement()
  local held = redis.call("HMGET", session_key(match),
    "state", "room", "server", "address", "port", "epoch")
  if not held[1] then return nil end
  if over(held[1]) or held[2] == "" then return {} end
  return { held[2], held[3], held[4], held[5], held[6] }
end

local placed = placement()
if placed then return placed end
if deadline_ms <= now_ms then return {} end
if not paused() and redis.call("ZCARD", key("waiting")) == 0 then
  local room = redis.call("ZRANGE", key("free"), 0, 0)[1]
  if room then
    return hold(room, match, queue, players, deadline_ms, 1, "0", "", now_ms, ack_ms)
  end
end
if redis.call("ZADD", key("waiting"), "NX", now_ms, match) == 1 then
  log("match.waiting", now_ms, { match = match })
end
redis.call("HSET", key("orders-waiting"), match, cjson.encode({ match = match, queue = queue,
  players = cjson.decode(players), deadline_ms = deadline_ms }))
serve(now_ms, ack_ms)
return placement() or {}
