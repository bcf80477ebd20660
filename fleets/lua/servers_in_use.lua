--[[
  The servers of which a room is held by a match, or suspected to be.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins

  Returns: server uids, some of them twice
]]
local uids = {}
for _, id in ipairs(redis.call("SMEMBERS", KEYS[1] .. ":rooms")) do
  local room = redis.call("HMGET", KEYS[1] .. ":room:" .. id, "state", "server")
  if room[2] and (room[1] == "held" or room[1] == "suspect") then
    uids[#uids + 1] = room[2]
  end
end
return uids
