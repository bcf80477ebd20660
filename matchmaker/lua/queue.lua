-- What every script of a queue shares. KEYS[1] is the queue's base, "{q:<group>}:<queue>";
-- the keys of single tickets and matches are built from it, so they lie in the same slot.
local base = KEYS[1]
local live, log, out = base .. ":live", base .. ":log", base .. ":out"
local placing, unannounced = base .. ":placing", base .. ":unannounced"
local asking = base .. ":asking"
local backfills, unseat = base .. ":backfills", base .. ":unseat"
local backfill_ends = base .. ":backfill_ends"
local RETENTION_S = 3600 -- how long an ended ticket or match can still be asked for
local WAITS_SLOT_MS = 300000 -- waits are counted by the five minutes in which they ended

local function ticket_key(id) return base .. ":ticket:" .. id end
local function match_key(id) return base .. ":match:" .. id end
local function backfill_key(match) return base .. ":backfill:" .. match end

-- The epoch of the newest term; whoever carries a smaller one leads no more.
local function is_current(epoch)
  return redis.call("HGET", base .. ":leader", "epoch") == epoch
end

-- Tell players something: the API tails this stream and pushes.
local function tell(kind, now_ms, fields) event(out, kind, now_ms, fields) end

-- Tell about one ticket as it stands now.
local function tell_ticket(id, now_ms)
  local held = redis.call("HMGET", ticket_key(id), "status", "ver", "players", "enqueued_ms", "reason",
    "match", "accept_by_ms", "accepted", "why")
  local said = { ticket = id, status = held[1], ver = tonumber(held[2]), players = cjson.decode(held[3]),
    enqueued_ms = tonumber(held[4]), reason = held[5] or "" }
  if held[1] == "REQUIRES_ACCEPTANCE" then
    local accepted = held[8] ~= "" and cjson.decode(held[8]) or nil
    said.acceptance = { match = held[6], by_ms = tonumber(held[7]), accepted = accepted }
  end
  if held[9] and (held[1] == "QUEUED" or held[1] == "TIMED_OUT") then said.why = held[9] end
  tell("ticket", now_ms, said)
end

-- Whether a ticket has a place in a match that is not decided yet.
local function is_taken(status) return status == "PLACING" or status == "REQUIRES_ACCEPTANCE" end

-- How long a ticket waited, in bins of a quarter of a doubling; matchmaker/waits.py reads them.
local function count_wait(wait_ms, size, matched, now_ms)
  local bin = 0
  if wait_ms >= 250 then bin = math.min(63, 1 + math.floor(4 * math.log(wait_ms / 250) / math.log(2) + 1e-9)) end
  local key = string.format("%s:waits:%d", base, math.floor(now_ms / WAITS_SLOT_MS))
  local field = size .. ":" .. bin .. ":" .. (matched and "m" or "g")
  if redis.call("HINCRBY", key, field, 1) == 1 then redis.call("EXPIRE", key, 2 * RETENTION_S) end
end

-- A ticket leaves its queue for good.
local function end_ticket(players_index, id, status, now_ms, reason)
  local key = ticket_key(id)
  local held = redis.call("HMGET", key, "players", "enqueued_ms")
  local players = cjson.decode(held[1])
  -- What frees memory first: a script without memory to spare may go on when it has begun so.
  redis.call("ZREM", live, id)
  count_wait(tonumber(now_ms) - tonumber(held[2]), #players, status == "COMMITTED", tonumber(now_ms))
  for _, player in ipairs(players) do
    if redis.call("HGET", players_index, player) == id then
      redis.call("HDEL", players_index, player)
    end
  end
  redis.call("HSET", key, "status", status, "ended_ms", now_ms, "reason", reason)
  redis.call("EXPIRE", key, RETENTION_S)
  return redis.call("HINCRBY", key, "ver", 1)
end

-- Tickets of a committed match whose players were never told where to go, and never will be.
local function fail(tickets, reason, now_ms)
  for _, id in ipairs(tickets) do
    if redis.call("EXISTS", ticket_key(id)) == 1 then
      redis.call("HSET", ticket_key(id), "status", "FAILED", "reason", reason)
      redis.call("HINCRBY", ticket_key(id), "ver", 1)
      tell_ticket(id, now_ms)
    end
  end
end

-- A running match asks for players no more.
local function end_backfill(match, now_ms, reason)
  local id = redis.call("HGET", backfill_key(match), "id")
  redis.call("SREM", backfills, match)
  redis.call("ZREM", backfill_ends, match)
  if not id then return end
  redis.call("DEL", backfill_key(match))
  event(log, "backfill.ended", now_ms, { match = match, backfill = id, reason = reason })
end

-- A running match asks for players; it asked for none.
local function stand_backfill(match, now_ms, id, by, request)
  local key = backfill_key(match)
  redis.call("HSET", key, "id", id, "by", by, "request", request)
  redis.call("EXPIRE", key, 2 * RETENTION_S)
  redis.call("SADD", backfills, match)
  event(log, "backfill.asked", now_ms, { match = match, backfill = id, request = request })
end

-- The time of a back end's request is over; the server's that waits beneath it stands then.
local function expire_backfill(match, now_ms)
  local beneath = redis.call("HGET", backfill_key(match), "beneath")
  end_backfill(match, now_ms, "expired")
  local servers = beneath and cjson.decode(beneath)
  if servers then stand_backfill(match, now_ms, servers[1], "server", servers[2]) end
end

-- A match that was formed comes to nothing: its tickets wait again, with their age.
local function close_match(match, now_ms, reason, except)
  local key = match_key(match)
  local told = redis.call("HGET", key, "told") -- its players heard of it, as while it was in line
  local why = redis.call("HGET", key, "state") == "asking" and "unaccepted" or ""
  local back = {}
  for _, id in ipairs(cjson.decode(redis.call("HGET", key, "tickets"))) do
    local held = redis.call("HMGET", ticket_key(id), "status", "match")
    if id ~= except and is_taken(held[1]) and held[2] == match then
      redis.call("HSET", ticket_key(id), "status", "QUEUED", "match", "", "reason", why)
      redis.call("HINCRBY", ticket_key(id), "ver", 1)
      back[#back + 1] = id
      if told then tell_ticket(id, now_ms) end
    end
  end
  redis.call("HSET", key, "state", "closed", "reason", reason)
  redis.call("EXPIRE", key, RETENTION_S)
  redis.call("ZREM", placing, match)
  redis.call("ZREM", asking, match)
  local of = redis.call("HGET", key, "of")
  if of then -- the seats that its players may have by now are given back, and may be asked for again
    redis.call("ZADD", unseat, now_ms, match)
    if redis.call("HGET", backfill_key(of), "filling") == match then redis.call("HDEL", backfill_key(of), "filling") end
  end
  local epoch = tonumber(redis.call("HGET", key, "epoch"))
  -- cjson would write an empty list as {}; when nobody goes back the field is left out.
  local tickets = #back > 0 and back or nil
  event(log, "match.closed", now_ms, { match = match, epoch = epoch, reason = reason, tickets = tickets, of = of or nil })
end
