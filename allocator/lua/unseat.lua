--[[
  Newcomers do not come after all: whoever had their seats before has them again, except seats
  that others have by now. The order never counts again, not even when it comes later.

  KEYS[1] fleet    {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match    match id
  ARGV[2] fill     id of the newcomers' own match
  ARGV[3] players  JSON list of seated players
  ARGV[4] now_ms   integer

  Returns: 1 if they had seats until now, else 0
  Cost: O(players)
]]
-- include: core:event
-- include: fleet
local match, fill, now_ms = ARGV[1], ARGV[2], tonumber(ARGV[4])
local held = redis.call("HMGET", session_key(match),
  "state", "room", "server", "epoch", "players", "fill:" .. fill, "out:" .. fill)
if not held[1] then return 0 end
redis.call("HSET", session_key(match), "fill:" .. fill, "undone")
if held[6] ~= "seated" then return 0 end

local leaves, stay, taken = {}, {}, {}
for _, one in ipairs(cjson.decode(ARGV[3])) do leaves[one.player] = true end
for _, one in ipairs(cjson.decode(held[5])) do
  if not leaves[one.player] then
    stay[#stay + 1] = one
    taken[one.team .. " " .. one.seat], taken[one.player] = true, true
  end
end
for _, one in ipairs(held[7] and cjson.decode(held[7]) or {}) do
  if not (taken[one.team .. " " .. one.seat] or taken[one.player]) then stay[#stay + 1] = one end
end
local roster = redis.call("HINCRBY", session_key(match), "roster", 1)
redis.call("HSET", session_key(match), "players", cjson.encode(stay))
log("session.unfilled", now_ms, { match = match, fill = fill, room = held[2], server = held[3],
  session_epoch = tonumber(held[4]), roster = roster })
return 1
