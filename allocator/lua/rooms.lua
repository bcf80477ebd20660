-- How a room leaves its match, and how a session ends. After fleet.lua.

-- Put a room aside: it is out of the reserve and stays known.
local function put_aside(room, state, now_ms)
  redis.call("ZREM", key("free"), room)
  redis.call("HSET", room_key(room), "state", state)
  redis.call("ZADD", key(state), now_ms, room)
  log("room.removed", now_ms,
    { room = room, server = redis.call("HGET", room_key(room), "server"), reason = state })
end

-- Take `room` from its match. It becomes `to` (free, or suspect until its server is heard
-- again), or retiring when its server was told to retire meanwhile.
local function vacate(room, match, to, reason, now_ms)
  local now = redis.call("HMGET", room_key(room), "match", "state", "server", "epoch", "leaving")
  if now[1] ~= match or now[2] ~= "held" then return end
  redis.call("HSET", room_key(room), "match", "", "epoch", 0)
  redis.call("HINCRBY", room_key(room), "served", 1)
  if to == "free" then
    log("room.released", now_ms, { room = room, match = match, server = now[3],
      session_epoch = tonumber(now[4]), reason = reason })
  end
  if now[5] == "1" then
    put_aside(room, "retiring", now_ms)
  elseif to == "free" then
    redis.call("HSET", room_key(room), "state", "free")
    offer(room, now_ms)
  else
    put_aside(room, to, now_ms)
  end
end

-- Put every free room of a server aside until the server is heard again.
local function distrust(server, now_ms)
  for n = 0, 4095 do
    local room = server .. "/" .. n
    local state = redis.call("HGET", room_key(room), "state")
    if not state then return end
    if state == "free" then put_aside(room, "suspect", now_ms) end
  end
end

-- Take a server out of the reserve for good: free and suspect rooms become retiring now, held
-- ones when their match is over. Returns how many still hold one.
local function retire(server, now_ms)
  local held = 0
  for n = 0, 4095 do
    local room = server .. "/" .. n
    local state = redis.call("HGET", room_key(room), "state")
    if not state then break end
    if state == "held" then
      held = held + 1
      redis.call("HSET", room_key(room), "leaving", "1")
    elseif state == "free" then
      put_aside(room, "retiring", now_ms)
    elseif state == "suspect" then
      redis.call("ZREM", key("suspect"), room)
      redis.call("HSET", room_key(room), "state", "retiring")
      redis.call("ZADD", key("retiring"), now_ms, room)
    end
  end
  return held
end

-- End a session; its record can be read for another hour, its snapshot is gone. Players who had
-- `left` are named to the matchmaker.
local function finish(match, room, epoch, reason, now_ms, left)
  local state = reason == "abandoned" and reason or "ended"
  redis.call("DEL", key("snapshot:" .. match))
  redis.call("HSET", session_key(match), "state", state, "ended_ms", now_ms, "reason", reason)
  redis.call("EXPIRE", session_key(match), 3600)
  for _, index in ipairs({ "sessions", "claims", "acks" }) do
    redis.call("ZREM", key(index), match)
  end
  if redis.call("ZREM", key("waiting"), match) == 1 then
    redis.call("HDEL", key("orders-waiting"), match)
    log("claim.left", now_ms, { match = match, reason = reason })
  end
  log("session.ended", now_ms,
    { match = match, room = room, session_epoch = tonumber(epoch), reason = reason, left = left })
end
