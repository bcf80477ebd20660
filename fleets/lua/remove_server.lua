--[[
  A game server is gone: take it out of the mirror and say so, once.

  KEYS[1] backend  hash  server name -> JSON of the server
  KEYS[2] log      stream of events
  ARGV[1] name     of the server
  ARGV[2] uid      of the life that ended; another one under this name stays
  ARGV[3] reason   scale | unhealthy | exited | shutdown | stop
  ARGV[4] now_ms   integer

  Returns: 1, or 0 when it was not there
]]
-- include: core:event
local name, uid, reason, now_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local kept = redis.call("HGET", KEYS[1], name)
if not kept or cjson.decode(kept).uid ~= uid then return 0 end
redis.call("HDEL", KEYS[1], name)
event(KEYS[2], "server.deleted", now_ms, { server = uid, name = name, reason = reason })
return 1
