--[[
  Put one ticket in the queue, once.

  KEYS[1] base         the queue
  KEYS[2] players      hash  player -> live ticket, for all queues of the group
  KEYS[3] idempotency  string  JSON of what this key was used for; ignored when digest is ""
  ARGV[1] ticket       ticket id
  ARGV[2] now_ms       integer
  ARGV[3] ids          JSON list of player ids
  ARGV[4] body         JSON of what the engine needs
  ARGV[5] mmr          mean rating, for the log
  ARGV[6] owner        who may ask about it
  ARGV[7] expires_ms   end of its lifetime
  ARGV[8] presence_ms  until when its owner counts as present; 0 when presence is not asked
  ARGV[9] digest       digest of the request, or "" when there is no idempotency key
  ARGV[10] key         the idempotency key, for the log
  ARGV[11] waiting_max tickets the queue may hold
  ARGV[12] update      1 when a second ticket of the same players and owner updates the first

  ARGV[13] barring     1 where players with a penalty may not enter

  Returns: {"created" | "same" | "updated", ticket} | {"busy", ticket, player} | {"mismatch"} |
  {"full"} | {"barred", player, until_ms, why}
]]
-- include: core:event
-- include: queue
-- include: penalty
local index, id, now_ms = KEYS[2], ARGV[1], ARGV[2]
local digest, expires_ms, presence_ms = ARGV[9], tonumber(ARGV[7]), tonumber(ARGV[8])

if digest ~= "" then
  local before = redis.call("GET", KEYS[3])
  if before then
    before = cjson.decode(before)
    if before.digest ~= digest then return { "mismatch" } end
    return { "same", before.ticket }
  end
end

local function remember(ticket)
  if digest == "" then return end
  local lifetime_ms = expires_ms - tonumber(now_ms) + 600000
  redis.call("SET", KEYS[3], cjson.encode({ digest = digest, ticket = ticket }), "PX", lifetime_ms)
end

local players = cjson.decode(ARGV[3])
for _, player in ipairs(ARGV[13] == "1" and players or {}) do
  local held = redis.call("HMGET", penalty_key(player), "until_ms", "why")
  if held[1] and tonumber(held[1]) > tonumber(now_ms) then return { "barred", player, held[1], held[2] } end
end
for _, player in ipairs(players) do
  local other = redis.call("HGET", index, player)
  if other then
    local held = redis.call("HMGET", ticket_key(other), "status", "players", "owner")
    if ARGV[12] == "1" and held[1] == "QUEUED" and held[2] == ARGV[3] and held[3] == ARGV[6] then
      redis.call("HSET", ticket_key(other), "body", ARGV[4])
      local ver = redis.call("HINCRBY", ticket_key(other), "ver", 1)
      event(log, "ticket.updated", now_ms, { ticket = other, ver = ver, mmr = tonumber(ARGV[5]), body = ARGV[4] })
      remember(other)
      return { "updated", other }
    end
    return { "busy", other, player }
  end
end
if redis.call("ZCARD", live) >= tonumber(ARGV[11]) then return { "full" } end

local deadline_ms = expires_ms
if presence_ms > 0 and presence_ms < expires_ms then deadline_ms = presence_ms end
for _, player in ipairs(players) do redis.call("HSET", index, player, id) end
redis.call("HSET", ticket_key(id), "status", "QUEUED", "ver", 1, "players", ARGV[3], "body", ARGV[4],
  "owner", ARGV[6], "enqueued_ms", now_ms, "expires_ms", expires_ms, "presence_ms", presence_ms, "match", "")
redis.call("ZADD", live, deadline_ms, id)
remember(id)
local said = { ticket = id, ver = 1, players = players, mmr = tonumber(ARGV[5]), size = #players, body = ARGV[4] }
if ARGV[10] ~= "" then said.key = ARGV[10] end
event(log, "ticket.enqueued", now_ms, said)
if #players > 1 then tell_ticket(id, now_ms) end -- the others of the party did not ask themselves
return { "created", id }
