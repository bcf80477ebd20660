-- Count what a log tells since it was read last. KEYS[1] is what every key begins with; where the
-- count stands is stored with it, so whoever calls, and however often, every event counts once.
local read = {} -- kind of event -> what it counts for; the script that includes this says
local added = {} -- key -> field -> how much is to be added
local kept_s = {}

local function key(name) return KEYS[1] .. ":" .. name end

local function add(name, field, count, keep_s)
  added[name] = added[name] or {}
  added[name][field] = (added[name][field] or 0) + count
  kept_s[name] = keep_s
end

-- By the second for three hours, and by the minute for sixteen days; core/counts.py reads both.
-- An hour of minutes to a hash, few enough that the store packs them.
local function arrived(kind, at_ms, count)
  local at_s = math.floor(at_ms / 1000)
  add(key("count:s:" .. math.floor(at_s / 600)), kind .. ":" .. at_s, count, 10800)
  local hour = key("count:m:" .. kind .. ":" .. math.floor(at_s / 3600))
  add(hour, math.floor(at_s / 60), count, 1382400)
end

-- Read so many events at most; returns how many there were.
local function count_log(limit)
  local after = redis.call("GET", key("counted"))
  local entries = redis.call("XRANGE", key("log"), after and "(" .. after or "-", "+", "COUNT", limit)
  for _, entry in ipairs(entries) do
    local kind, body
    for n = 1, #entry[2], 2 do
      if entry[2][n] == "k" then kind = entry[2][n + 1] end
      if entry[2][n] == "d" then body = entry[2][n + 1] end
    end
    if read[kind] then read[kind](cjson.decode(body)) end
  end
  if #entries > 0 then redis.call("SET", key("counted"), entries[#entries][1]) end
  for name, fields in pairs(added) do
    for field, count in pairs(fields) do redis.call("HINCRBY", name, field, count) end
    redis.call("EXPIRE", name, kept_s[name])
  end
  return #entries
end
