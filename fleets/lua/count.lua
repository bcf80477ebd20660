--[[
  Count what the fleet's log tells since the last call: claims as they come, those that had to
  wait and how long, and how long sessions lasted. Where it stands is stored with the counts,
  so whoever calls, and however often, every event counts once.

  KEYS[1] fleet  {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] limit  how many events to read at most

  Returns: how many were read; when it is the limit there may be more
  Cost: O(events)
]]
local function key(name) return KEYS[1] .. ":" .. name end
local touched = {}

local function add(name, field, keep_s)
  touched[name] = keep_s
  redis.call("HINCRBY", name, field, 1)
end

-- The same buckets as in core/buckets.py: eight to a doubling, from a hundredth of a second.
local function took(what, from_ms, to_ms)
  local s = math.max((to_ms - from_ms) / 1000, 0.01)
  local bucket = math.floor(8 * math.log(s / 0.01) / math.log(2))
  add(key("took:" .. what .. ":" .. math.floor(to_ms / 86400000)), bucket, 259200)
end

-- By the second for three hours, and claims also by the minute for sixteen days.
local function arrived(kind, at_ms)
  local at_s = math.floor(at_ms / 1000)
  add(key("count:s:" .. math.floor(at_s / 600)), kind .. ":" .. at_s, 10800)
  if kind == "claims" then
    add(key("count:m:" .. math.floor(at_s / 86400)), math.floor(at_s / 60), 1382400)
  end
end

local read = {}

-- A match that waits is a claim already; when it gets its room it is no other.
read["match.waiting"] = function(event)
  if event.from then return end
  arrived("claims", event.t)
  arrived("waited", event.t)
  redis.call("ZADD", key("count:waiting"), event.t, event.match)
end
read["room.claimed"] = function(event)
  local since_ms = redis.call("ZSCORE", key("count:waiting"), event.match)
  if not since_ms then return arrived("claims", event.t) end
  redis.call("ZREM", key("count:waiting"), event.match)
  took("wait", tonumber(since_ms), event.t)
end
read["claim.left"] = function(event)
  redis.call("ZREM", key("count:waiting"), event.match)
end
read["session.ended"] = function(event)
  arrived("ended", event.t)
  if event.reason == "closed" then return end
  local since_ms = redis.call("HGET", key("session:" .. event.match), "claimed_ms")
  if since_ms then took("session", tonumber(since_ms), event.t) end
end

local after = redis.call("GET", key("counted"))
local entries = redis.call("XRANGE", key("log"), after and "(" .. after or "-", "+",
  "COUNT", ARGV[1])
for _, entry in ipairs(entries) do
  local kind, body
  for n = 1, #entry[2], 2 do
    if entry[2][n] == "k" then kind = entry[2][n + 1] end
    if entry[2][n] == "d" then body = entry[2][n + 1] end
  end
  if read[kind] then read[kind](cjson.decode(body)) end
end
if #entries > 0 then redis.call("SET", key("counted"), entries[#entries][1]) end
for name, keep_s in pairs(touched) do redis.call("EXPIRE", name, keep_s) end
return #entries
