--[[
  A room has another place in the reserve, among its new equals by how long it has been free.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] room    room id
  ARGV[2] rank    rooms of a lower rank are handed out before it

  Returns: 1 if the room is in the pool, else 0
  Cost: O(log rooms)
]]
-- include: fleet
local room = ARGV[1]
if redis.call("EXISTS", room_key(room)) == 0 then return 0 end
redis.call("HSET", room_key(room), "rank", ARGV[2])
local score = tonumber(redis.call("ZSCORE", key("free"), room) or "")
if score then offer(room, score % RANK_MS) end
return 1
