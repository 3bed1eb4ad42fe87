-- What the scripts share: it is put after the first line of each. That line says
-- what a script may do, so that a server refuses it before it has begun: one that
-- is read-only, or whose memory is full. What ends or deletes credentials runs all
-- the same where memory is full.
--
-- KEYS[1] is "{prefix}:". Every key begins with it, so all are in one slot.
-- ARGV[1] is the caller's time, ARGV[2] the retention in milliseconds.
--
--   d:DIGEST                        a row, as row.go describes it
--   i:ID                            its digest and its head: the row up to Parent
--   s:SUBJECT  f:FAMILY  p:PARENT   who belongs together: CREATED:ID
--   a:LENGTH:KIND SUBJECT           who is not revoked: EXPIRES:ID
--   e                               who expires or is revoked: ENDED:ID
--
-- The last five, the indexes, are sorted sets of one score: ordered by bytes.
-- Only rows have a lifetime. What a row that has vanished leaves behind is passed
-- over by all who come across it, and removed by later writes, the oldest first.
--
-- Times are digits of one length: they are compared as strings, since numbers
-- of Lua are not exact enough.

local base, now, retention = KEYS[1], ARGV[1], tonumber(ARGV[2])
local NEVER = ('0'):rep(18)
local LATEST = ('9'):rep(18) -- sorts after every time
local ROW = '^1' .. ('%d'):rep(90)

local function parse(digest, row)
  if not row:find(ROW) then
    error('a row is damaged or of an unknown version')
  end
  local r = {digest = digest, rest = row:sub(92)}
  local tail
  r.revoked, r.expires, r.rotated, r.used, r.created,
    r.kind, r.id, r.subject, r.family, r.parent, tail =
    struct.unpack('>c18c18c18c18c18I4c0I4c0I4c0I4c0I4c0', row, 2)
  r.head = row:sub(92, tail - 1)
  return r
end

local function times(r)
  return '1' .. r.revoked .. r.expires .. r.rotated .. r.used .. r.created
end

local function format(r)
  return times(r) .. r.rest
end

-- find returns the row with this ID, or false.
local function find(id)
  local known = redis.call('GET', base .. 'i:' .. id)
  local digest = known and known:sub(1, 32)
  local row = known and redis.call('GET', base .. 'd:' .. digest)
  local r = row and parse(digest, row)
  return r and r.id == id and r
end

-- taken reports whether the ID or the digest of r is.
local function taken(r)
  return find(r.id) or redis.call('EXISTS', base .. 'd:' .. r.digest) == 1
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

-- deadline returns when Redis is to delete r, in milliseconds since 1970, or
-- nil for never.
local function deadline(r)
  local from = ended(r)
  if from == NEVER then
    return nil
  end
  if from < now then
    from = now
  end
  local since_year_1 = tonumber(from:sub(1, 15)) -- exact: milliseconds fit
  return ('%.0f'):format(since_year_1 - 62135596800000 + retention)
end

local function held_key(r)
  return base .. 'a:' .. #r.kind .. ':' .. r.kind .. r.subject
end

-- entries returns where r is indexed: what it has in which sorted set.
local function entries(r)
  local list = {}
  for letter, value in pairs({s = r.subject, f = r.family, p = r.parent}) do
    if value ~= '' then
      list[base .. letter .. ':' .. value] = r.created .. ':' .. r.id
    end
  end
  if r.revoked == NEVER then
    list[held_key(r)] = (r.expires == NEVER and LATEST or r.expires) .. ':' .. r.id
  end
  if ended(r) ~= NEVER then
    list[base .. 'e'] = ended(r) .. ':' .. r.id
  end
  return list
end

-- indexed returns the row that a member of an index stands for, or false: where
-- it has vanished.
local function indexed(member)
  return find(member:sub(20))
end

local function unindex(r)
  for index, member in pairs(entries(r)) do
    redis.call('ZREM', index, member)
  end
end

-- forget removes all that is known of the row with this ID but the row itself.
local function forget(id)
  local known = redis.call('GET', base .. 'i:' .. id)
  if known then
    unindex(parse(known:sub(1, 32), known:sub(33)))
    redis.call('DEL', base .. 'i:' .. id)
  end
end

-- clean removes what vanished rows have left: one with this ID, and up to four of
-- those that ended first. It may fail, so it comes before all other writes.
local function clean(id)
  forget(id)
  for _, member in ipairs(redis.call('ZRANGE', base .. 'e', 0, 3)) do
    local left = member:sub(20)
    local known = redis.call('GET', base .. 'i:' .. left)
    if known and redis.call('EXISTS', base .. 'd:' .. known:sub(1, 32)) == 1 then
      break
    end
    forget(left)
    redis.call('ZREM', base .. 'e', member)
  end
end

-- put stores r. Where it replaces a row, that is unindexed already.
local function put(r)
  for index, member in pairs(entries(r)) do
    redis.call('ZADD', index, 0, member)
  end
  redis.call('SET', base .. 'i:' .. r.id, r.digest .. times(r) .. r.head)
  local digest, gone = base .. 'd:' .. r.digest, deadline(r)
  redis.call('SET', digest, format(r))
  if gone then
    redis.call('PEXPIREAT', digest, gone)
  end
end

-- publish tells of a change. A channel of the slot is served by the node that
-- makes the change, so whoever listens there misses none.
local function publish(r)
  redis.call('SPUBLISH', base .. 'changes', r.digest)
end

-- precedes compares bytes: Lua's < follows the locale of the server, which
-- is of no importance for digits alone.
local function precedes(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then
      return x < y
    end
  end
  return #a < #b
end

-- filter reads the seven arguments from ARGV[3] on.
local function filter()
  local f = {}
  for i, field in ipairs({'kind', 'id', 'subject', 'family', 'parent', 'except', 'active'}) do
    f[field] = ARGV[2 + i]
  end
  return f
end

local function matches(f, r, at)
  for _, field in ipairs({'kind', 'id', 'subject', 'family', 'parent'}) do
    if f[field] ~= '' and f[field] ~= r[field] then
      return false
    end
  end
  return (f.except == '' or f.except ~= r.id) and (f.active == '' or active(r, at))
end

-- selected returns the rows that match f, the newest first: those before the given
-- place in that order, if there is one, and at most so many, if there is a limit.
local function selected(f, at, before, limit)
  local found = {}
  if f.id ~= '' then
    local r = find(f.id)
    if r and matches(f, r, at) and (not before or precedes(r.created .. ':' .. r.id, before)) then
      found[1] = r
    end
    return found
  end
  local index = base .. 's:' .. f.subject
  if f.family ~= '' then
    index = base .. 'f:' .. f.family
  elseif f.parent ~= '' then
    index = base .. 'p:' .. f.parent
  end
  local from = before and '(' .. before or '+'
  repeat
    local members = redis.call('ZRANGE', index, from, '-', 'BYLEX', 'REV', 'LIMIT', 0, 500)
    for _, member in ipairs(members) do
      local r = indexed(member)
      if r and matches(f, r, at) then
        found[#found + 1] = r
        if #found == limit then
          return found
        end
      end
      from = '(' .. member
    end
  until #members == 0
  return found
end
