-- What the scripts share: it is inserted after the first line of each. That line
-- says what a script may do. Each may write, so that a replica refuses it. Those
-- that only read, revoke or delete run even if memory is full.
--
-- KEYS[1] begins every key: "prefix{tag}:", so all keys of a script are in one
-- slot of a cluster. It is the partition of a subject, or of an ID.
--
--   d:DIGEST   a row, as row.go describes it, or a pointer
--   i:ID       the row's digest, or a pointer
--   h:GROUP    all rows of a group: CREATED:ID
--   c:GROUP    those that are current (neither revoked nor rotated): EXPIRES CREATED ID
--   l:SUBJECT  those that are not revoked: EXPIRES CREATED KIND-AND-CLIENT ID
--   g:SUBJECT  the groups of a subject that have rows
--   e  r       rows that end, and rotated rows that end: ENDED:ID
--
-- A group is a kind, a client ID and a subject. h, c, l, e and r are sorted sets
-- with one score, so they are ordered by bytes. Times are digits of one length, so
-- they are compared as strings; numbers of Lua are not exact enough. A pointer is
-- "P", the byte of the partition where the row is, and 8 random bytes.

local base = KEYS[1]
local NEVER = ('0'):rep(18)
local LATEST = ('9'):rep(18) -- sorts after every time
local ROW = '^1' .. ('%d'):rep(90)

local function parse(digest, row)
  if not row:find(ROW) then
    error('a row is damaged or of an unknown version')
  end
  local r = {digest = digest}
  local rest
  r.revoked, r.expires, r.rotated, r.used, r.created, r.addr, rest =
    struct.unpack('>c18c18c18c18c18I4c0', row, 2)
  r.fixed_at = rest
  r.kind, r.id, r.subject, r.family, r.client, rest =
    struct.unpack('>I4c0I4c0I4c0I4c0I4c0', row, rest)
  r.fixed = row:sub(r.fixed_at, rest - 1)
  r.rest = row:sub(rest)
  return r
end

local function format(r)
  return '1' .. r.revoked .. r.expires .. r.rotated .. r.used .. r.created ..
    struct.pack('>I4c0', #r.addr, r.addr) .. r.fixed .. r.rest
end

-- find returns the row with this ID; or false, and where to look for it if that is
-- another partition.
local function find(id)
  local known = redis.call('GET', base .. 'i:' .. id)
  if not known then
    return false
  elseif #known ~= 32 then
    return false, 'AT' .. known:sub(2, 2)
  end
  local row = redis.call('GET', base .. 'd:' .. known)
  return row and parse(known, row)
end

local function taken(r)
  return redis.call('EXISTS', base .. 'i:' .. r.id, base .. 'd:' .. r.digest) > 0
end

local function active(r, at)
  return r.revoked == NEVER and (r.expires == NEVER or at < r.expires)
end

-- ended returns when r expires or was revoked, whichever is first.
local function ended(r)
  if r.revoked == NEVER or r.expires ~= NEVER and r.expires < r.revoked then
    return r.expires
  end
  return r.revoked
end

-- label returns a kind and a client in one string that is the beginning of no
-- other such string.
local function label(kind, client)
  return #kind .. ':' .. kind .. #client .. ':' .. client
end

local function group(r)
  return label(r.kind, r.client) .. r.subject
end

-- entries returns where r is indexed: its member of each sorted set.
local function entries(r)
  local list = {[base .. 'h:' .. group(r)] = r.created .. ':' .. r.id}
  local expires = r.expires == NEVER and LATEST or r.expires
  if r.revoked == NEVER then
    list[base .. 'l:' .. r.subject] = expires .. r.created .. label(r.kind, r.client) .. r.id
    if r.rotated == NEVER then
      list[base .. 'c:' .. group(r)] = expires .. r.created .. r.id
    end
  end
  if ended(r) ~= NEVER then
    list[base .. (r.rotated == NEVER and 'e' or 'r')] = ended(r) .. ':' .. r.id
  end
  return list
end

local function unindex(r)
  for index, member in pairs(entries(r)) do
    redis.call('ZREM', index, member)
  end
end

-- put stores r. Where it replaces a row, that is unindexed already.
local function put(r)
  for index, member in pairs(entries(r)) do
    redis.call('ZADD', index, 0, member)
  end
  redis.call('SADD', base .. 'g:' .. r.subject, group(r))
  redis.call('SET', base .. 'i:' .. r.id, r.digest)
  redis.call('SET', base .. 'd:' .. r.digest, format(r))
end

local function remove(r)
  unindex(r)
  redis.call('DEL', base .. 'i:' .. r.id, base .. 'd:' .. r.digest)
  if redis.call('EXISTS', base .. 'h:' .. group(r)) == 0 then
    redis.call('SREM', base .. 'g:' .. r.subject, group(r))
  end
end

-- publish reports a change. A channel of the slot is served by the server that
-- makes the change, so a client that listens there misses none.
local function publish(r)
  redis.call('SPUBLISH', base .. 'changes', r.digest)
end

local function revoke(r, at)
  unindex(r)
  r.revoked = at
  put(r)
  publish(r)
end

-- after returns the beginning of a range of members whose first time is later.
local function after(time)
  return '(' .. time .. ':' -- ":" follows all digits
end

-- exceeds reports whether one more row of r's group would be more than so many
-- since a time.
local function exceeds(r, recent, since)
  return recent > 0 and redis.call('ZLEXCOUNT', base .. 'h:' .. group(r), '[' .. since, '+') >= recent
end

-- precedes compares bytes: Lua's < follows the locale of the server.
local function precedes(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then
      return x < y
    end
  end
  return #a < #b
end
