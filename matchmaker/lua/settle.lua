--[[
  Decide a match that nobody decided in time: it is committed, or it is closed now.

  KEYS[1] base    the queue
  ARGV[1] now_ms  integer
  ARGV[2] match   match id
  ARGV[3] reason  why it is closed

  Returns: "committed" | "closed"; a match that is absent counts as closed, since it is
  proposed before a room is claimed for it
]]
-- include: core:event
-- include: queue
local state = redis.call("HGET", match_key(ARGV[2]), "state")
if state == "committed" then return "committed" end
if state == "proposed" or state == "asking" then close_match(ARGV[2], ARGV[1], ARGV[3], "") end
return "closed"
