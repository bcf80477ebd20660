--[[
  Take a server whose node goes out of the reserve, or keep it from ever coming in: its free and
  suspect rooms become retiring now, held ones when their match is over, and rooms that it has
  not brought yet are known as retiring from the first, so that `add_room` adds none.

  KEYS[1] fleet    {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] server   server uid
  ARGV[2] rooms    how many it has
  ARGV[3] address  where players reach it
  ARGV[4] port     integer
  ARGV[5] version  of the game server
  ARGV[6] now_ms   integer

  Returns: {match, epoch, claimed_ms} of each match that is still on it
  Cost: O(rooms of the server)
]]
-- include: core:event
-- include: fleet
-- include: rooms
local server, now_ms = ARGV[1], tonumber(ARGV[6])
local stay = {}
retire(server, now_ms)
for n = 0, tonumber(ARGV[2]) - 1 do
  local room = server .. "/" .. n
  local was = redis.call("HMGET", room_key(room), "state", "match", "epoch")
  if not was[1] then
    redis.call("HSET", room_key(room), "room", room, "server", server, "address", ARGV[3],
      "port", ARGV[4], "version", ARGV[5], "rank", 0, "state", "retiring", "match", "",
      "epoch", 0, "served", 0)
    redis.call("SADD", key("rooms"), room)
    redis.call("ZADD", key("retiring"), now_ms, room)
  elseif was[1] == "held" then
    local claimed_ms = redis.call("HGET", session_key(was[2]), "claimed_ms")
    stay[#stay + 1] = { was[2], was[3], claimed_ms or ARGV[6] }
  end
end
return stay
