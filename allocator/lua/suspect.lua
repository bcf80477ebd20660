--[[
  A server is silent: its free rooms are handed to nobody until it is heard again.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] server  server uid
  ARGV[2] now_ms  integer

  Returns: 1
  Cost: O(rooms of the server)
]]
-- include: core:event
-- include: fleet
-- include: rooms
distrust(ARGV[1], tonumber(ARGV[2]))
return 1
