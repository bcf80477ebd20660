--[[
  Take a server out of the reserve for good: free and suspect rooms become retiring now, held
  ones when their match is over.

  KEYS[1] fleet   {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] server  server uid
  ARGV[2] now_ms  integer

  Returns: how many of its rooms still hold a match
  Cost: O(rooms of the server)
]]
-- include: core:event
-- include: fleet
-- include: rooms
return retire(ARGV[1], tonumber(ARGV[2]))
