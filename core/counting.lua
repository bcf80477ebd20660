-- Count what a log tells since it was read last. KEYS[1] is what every key begins with; where the
-- count stands is stored with it, so whoever calls, and however often, every event counts once.
local read = {} -- kind of event -> what it counts for; the script that includes this says
local touched = {}

local function key(name) return KEYS[1] .. ":" .. name end

local function add(name, field, count, keep_s)
  touched[name] = keep_s
  redis.call("HINCRBY", name, field, count)
end

-- By the second, for three hours; core/counts.py reads them.
local function arrived(kind, at_ms, count)
  local at_s = math.floor(at_ms / 1000)
  add(key("count:s:" .. math.floor(at_s / 600)), kind .. ":" .. at_s, count, 10800)
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
  for name, keep_s in pairs(touched) do redis.call("EXPIRE", name, keep_s) end
  return #entries
end
