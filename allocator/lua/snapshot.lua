--[[
  What a match's next server will need to go on, should this one die. The newest stands.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match   match id
  ARGV[2] server  server uid
  ARGV[3] epoch   session epoch
  ARGV[4] n       rises with each snapshot of this match at this epoch
  ARGV[5] state   base64
  ARGV[6] ttl_ms  how long it is kept
  ARGV[7] now_ms  integer

  Returns: 1 if it is kept, 0 if the match is not this server's at this epoch, or a newer one
    is kept
  Cost: O(1)
]]
-- include: fleet
local match, n = ARGV[1], tonumber(ARGV[4])
local held = redis.call("HMGET", session_key(match), "state", "server", "epoch", "snapshot_n")
if held[2] ~= ARGV[2] or held[3] ~= ARGV[3] then return 0 end
if held[1] ~= "acked" and held[1] ~= "active" then return 0 end
if held[4] and tonumber(held[4]) > n then return 0 end
redis.call("SET", key("snapshot:" .. match), ARGV[5], "PX", ARGV[6])
redis.call("HSET", session_key(match), "snapshot_n", n, "snapshot_ms", ARGV[7])
return 1
