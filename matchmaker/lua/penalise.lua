--[[
  Players spoiled a match, as somebody tells who saw it.

  KEYS[1] base     the queue
  ARGV[1] players  JSON list of player ids
  ARGV[2] why      left, or another word of whoever tells
  ARGV[3] now_ms   integer
  ARGV[4] terms    JSON of the queue's terms, or ""

  Returns: nothing
]]
-- include: core:event
-- include: queue
-- include: penalty
penalise(cjson.decode(ARGV[1]), ARGV[2], ARGV[3], ARGV[4])
