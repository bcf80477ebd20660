--[[
  The servers of which a room is held by a match, or suspected to be.

  KEYS[1] rooms    set of room ids
  ARGV[1] prefix   of a room's key in this slot, before its id

  Returns: server uids, some of them twice
]]
local uids = {}
for _, id in ipairs(redis.call("SMEMBERS", KEYS[1])) do
  local room = redis.call("HMGET", ARGV[1] .. id, "state", "server")
  if room[2] and (room[1] == "held" or room[1] == "suspect") then
    uids[#uids + 1] = room[2]
  end
end
return uids
