--[[
  Count what the queue's log tells since the last call: tickets as they come, with their players,
  and matches by the fleet that got them, when their players are told.

  KEYS[1] base   the queue
  ARGV[1] limit  how many events to read at most

  Returns: how many were read; when it is the limit there may be more
  Cost: O(events)
]]
-- include: core:counting

read["ticket.enqueued"] = function(event)
  arrived("tickets", event.t, 1)
  arrived("players", event.t, event.size)
end
-- Newcomers to a match that runs are no other match.
read["match.announced"] = function(event)
  if not event.of then arrived("matches:" .. event.fleet, event.t, 1) end
end

return count_log(ARGV[1])
