-- What every script here begins with: the names of the fleet's keys, and its log.
-- Every key of a fleet begins with KEYS[1], so all of them lie in one slot of a cluster.
local function key(name) return KEYS[1] .. ":" .. name end
local function room_key(room) return KEYS[1] .. ":room:" .. room end
local function session_key(match) return KEYS[1] .. ":session:" .. match end
-- A room into the reserve. Those of a lower rank go first, and among equals the one that has been
-- free longest.
local RANK_MS = 1e13
local function offer(room, since_ms)
  local rank = tonumber(redis.call("HGET", room_key(room), "rank")) or 0
  redis.call("ZADD", key("free"), since_ms + rank * RANK_MS, room)
end
-- While an operator has paused the fleet no room is handed to anybody.
local function paused() return redis.call("EXISTS", key("paused")) == 1 end
-- A session that is over is never played again.
local function over(state) return state == "ended" or state == "abandoned" end
local function log(kind, now_ms, fields) event(key("log"), kind, now_ms, fields) end
