--[[
  Add a room to the reserve; the match at the head of the waiting line gets it at once.
  A room that is there already stays as it is.

  KEYS[1] fleet    {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] room     room id, <server uid>/<n>; a server's rooms are added from 0 upwards
  ARGV[2] server   server uid
  ARGV[3] address  where players reach it
  ARGV[4] port     integer
  ARGV[5] version  of the game server
  ARGV[6] rank     rooms of a lower rank are handed out before it
  ARGV[7] now_ms   integer
  ARGV[8] ack_ms   how long a server may take to acknowledge a match

  Returns: 1 if added, 0 if it was there
  Cost: O(log rooms)
]]
-- include: core:event
-- include: fleet
-- include: line
local room, server, now_ms = ARGV[1], ARGV[2], tonumber(ARGV[7])
if redis.call("EXISTS", room_key(room)) == 1 then return 0 end
redis.call("HSET", room_key(room), "room", room, "server", server, "address", ARGV[3],
  "port", ARGV[4], "version", ARGV[5], "rank", ARGV[6], "state", "free", "match", "", "epoch", 0, "served", 0)
redis.call("SADD", key("rooms"), room)
offer(room, now_ms)
log("room.added", now_ms, { room = room, server = server })
serve(now_ms, tonumber(ARGV[8]))
return 1
