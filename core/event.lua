-- Append one event to a stream: k = its kind, d = the rest as JSON with the time in it.
-- cjson writes 14 digits, enough for milliseconds; finer times travel as strings.
local function event(stream, kind, now_ms, fields)
  fields.t = tonumber(now_ms)
  redis.call("XADD", stream, "MAXLEN", "~", 200000, "*", "k", kind, "d", cjson.encode(fields))
end
