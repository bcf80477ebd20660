--[[
  The match was closed: it leaves the line, or gives its room back, which goes to the head
  of the line. A match known to be committed is not withdrawn.

  KEYS[1] fleet    {f:<fleet>}, with which every key of the fleet begins
  ARGV[1] match    match id
  ARGV[2] room_to  what its room becomes: free, or suspect while its server does not answer
  ARGV[3] reason   a word for the log
  ARGV[4] now_ms   integer
  ARGV[5] ack_ms   how long a server may take to acknowledge a match

  Returns: 1 if the match holds nothing and never will again (also the second time),
    0 if it is committed, ended otherwise, or unknown
  Cost: O(log rooms)
]]
-- include: core:event
-- include: fleet
-- include: line
-- include: rooms
local match, now_ms = ARGV[1], tonumber(ARGV[4])
local held = redis.call("HMGET", session_key(match),
  "state", "room", "epoch", "committed", "reason")
if not held[1] then
  if not redis.call("ZSCORE", key("waiting"), match) then return 0 end
  leave_line(match)
  log("claim.left", now_ms, { match = match, reason = ARGV[3] })
  return 1
end
if over(held[1]) then return held[5] == "closed" and 1 or 0 end
if held[4] == "1" then return 0 end
vacate(held[2], match, ARGV[2], ARGV[3], now_ms)
finish(match, held[2], held[3], "closed", now_ms)
serve(now_ms, tonumber(ARGV[5]))
return 1
