--[[
  Count what the fleet's log tells since the last call: claims as they come, those that had to
  wait and how long, and how long sessions lasted. Where it stands is stored with the counts,
  so whoever calls, and however often, every event counts once.

  KEYS[1] fleet  {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] limit  how many events to read at most

  Returns: how many were read; when it is the limit there may be more
  Cost: O(events)
]]
-- include: core:counting

-- The same buckets as in core/buckets.py: eight to a doubling, from a hundredth of a second.
local function took(what, from_ms, to_ms)
  local s = math.max((to_ms - from_ms) / 1000, 0.01)
  local bucket = math.floor(8 * math.log(s / 0.01) / math.log(2))
  add(key("took:" .. what .. ":" .. math.floor(to_ms / 86400000)), bucket, 1, 259200)
end

-- A match that waits is a claim already; when it gets its room it is no other.
read["match.waiting"] = function(event)
  if event.from then return end
  arrived("claims", event.t, 1)
  arrived("waited", event.t, 1)
  redis.call("ZADD", key("count:waiting"), event.t, event.match)
end
read["room.claimed"] = function(event)
  local since_ms = redis.call("ZSCORE", key("count:waiting"), event.match)
  if not since_ms then return arrived("claims", event.t, 1) end
  redis.call("ZREM", key("count:waiting"), event.match)
  took("wait", tonumber(since_ms), event.t)
end
read["claim.left"] = function(event)
  redis.call("ZREM", key("count:waiting"), event.match)
end
read["session.ended"] = function(event)
  arrived("ended", event.t, 1)
  if event.reason == "closed" then return end
  local since_ms = redis.call("HGET", key("session:" .. event.match), "claimed_ms")
  if since_ms then took("session", tonumber(since_ms), event.t) end
end

return count_log(ARGV[1])
