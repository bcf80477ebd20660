-- The waiting line, and how a room is handed to a match. After fleet.lua.

-- Hold `room` for a match and write its session; a moved match keeps the time of its first
-- claim, and one that was played stays handing-over until its new server takes it.
local function hold(room, match, queue, players, deadline_ms, epoch, committed, from, now_ms, ack_ms)
  local where = redis.call("HMGET", room_key(room), "server", "address", "port")
  local server, address, port = where[1], where[2], where[3]
  local state = redis.call("HGET", session_key(match), "state")
  redis.call("ZREM", key("free"), room)
  redis.call("HSET", room_key(room), "state", "held", "match", match, "epoch", epoch)
  redis.call("HSET", session_key(match), "match", match, "queue", queue, "players", players,
    "room", room, "server", server, "address", address, "port", port,
    "epoch", epoch, "state", state == "handing-over" and state or "pending", "committed", committed)
  redis.call("HDEL", session_key(match), "snapshot_n")
  redis.call("HSETNX", session_key(match), "claimed_ms", now_ms)
  redis.call("ZADD", key("sessions"), "NX", now_ms, match)
  redis.call("ZADD", key("acks"), now_ms + ack_ms, match)
  if committed == "0" then redis.call("ZADD", key("claims"), deadline_ms, match) end
  if epoch == 1 then
    log("room.claimed", now_ms, { room = room, match = match, server = server, session_epoch = 1 })
  else
    log("session.moved", now_ms,
      { match = match, from = from, room = room, server = server, session_epoch = epoch })
  end
  return { room, server, address, port, tostring(epoch) }
end

local function leave_line(match)
  redis.call("ZREM", key("waiting"), match)
  redis.call("HDEL", key("orders-waiting"), match)
end

-- The match waited too long. One that had a room before is left to the reaper, who ends it.
local function time_out(match, now_ms)
  leave_line(match)
  log("claim.left", now_ms, { match = match, reason = "deadline" })
  if redis.call("EXISTS", session_key(match)) == 1 then
    redis.call("ZADD", key("acks"), now_ms, match)
  end
end

-- Hand free rooms to the line, longest wait first. At most 16 entries are looked at in one
-- call, so that a line full of lapsed entries costs nobody a long script.
local function serve(now_ms, ack_ms)
  if paused() then return end
  for _ = 1, 16 do
    local room = redis.call("ZRANGE", key("free"), 0, 0)[1]
    local match = room and redis.call("ZRANGE", key("waiting"), 0, 0)[1]
    if not match then return end
    local order = cjson.decode(redis.call("HGET", key("orders-waiting"), match))
    if order.deadline_ms <= now_ms then
      time_out(match, now_ms)
    else
      leave_line(match)
      local before = redis.call("HMGET", session_key(match), "epoch", "committed", "from")
      hold(room, match, order.queue, cjson.encode(order.players), order.deadline_ms,
        (tonumber(before[1]) or 0) + 1, before[2] or "0", before[3], now_ms, ack_ms)
    end
  end
end
