--[[
  Newcomers become players of a match that runs, some of them in the place of players who left.
  The server that has the match is told of its players anew.

  KEYS[1] fleet    {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match    match id
  ARGV[2] fill     id of the newcomers' own match; the same again is the same order
  ARGV[3] epoch    session epoch at which the seats are open
  ARGV[4] players  JSON list of seated players
  ARGV[5] out      JSON list of the players whose seats are given away
  ARGV[6] now_ms   integer

  Returns: {room, server, address, port, epoch}; {} when it is over, at another epoch, not being
    played, has no such seats, or the order was taken back
  Cost: O(players)
]]
-- include: core:event
-- include: fleet
local match, fill, now_ms = ARGV[1], ARGV[2], tonumber(ARGV[6])
local held = redis.call("HMGET", session_key(match),
  "state", "room", "server", "address", "port", "epoch", "players", "fill:" .. fill)
local place = { held[2], held[3], held[4], held[5], held[6] }
if held[8] == "seated" then return place end
if held[8] or not held[1] or (held[1] ~= "active" and held[1] ~= "acked") then return {} end
if held[6] ~= ARGV[3] then return {} end

local leaves, stay, gone, taken = {}, {}, {}, {}
for _, player in ipairs(cjson.decode(ARGV[5])) do leaves[player] = true end
for _, one in ipairs(cjson.decode(held[7])) do
  if leaves[one.player] then
    gone[#gone + 1] = one
  else
    stay[#stay + 1] = one
    taken[one.team .. " " .. one.seat], taken[one.player] = true, true
  end
end
local came = {}
for _, one in ipairs(cjson.decode(ARGV[4])) do
  if taken[one.team .. " " .. one.seat] or taken[one.player] then return {} end
  stay[#stay + 1] = one
  came[#came + 1] = { player = one.player, ticket = one.ticket, team = one.team, seat = one.seat }
end
local roster = redis.call("HINCRBY", session_key(match), "roster", 1)
redis.call("HSET", session_key(match), "players", cjson.encode(stay), "fill:" .. fill, "seated")
local names = nil
if #gone > 0 then
  redis.call("HSET", session_key(match), "out:" .. fill, cjson.encode(gone))
  names = {}
  for n, one in ipairs(gone) do names[n] = one.player end
end
log("session.filled", now_ms, { match = match, fill = fill, room = held[2], server = held[3],
  session_epoch = tonumber(held[6]), roster = roster, players = came, out = names })
return place
