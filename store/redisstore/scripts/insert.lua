#!lua
-- insert DIGEST ROW ACTIVE END-OLDEST RECENT SINCE: the digests of those it ended
local r = parse(ARGV[1], ARGV[2])
local limit, oldest, recent, since = tonumber(ARGV[3]), ARGV[4] == '1', tonumber(ARGV[5]), ARGV[6]
if taken(r) then
  return 'EXISTS'
elseif exceeds(r, recent, since) then
  return 'LIMIT'
end
local excess = {}
if limit > 0 then
  local current = base .. 'c:' .. group(r)
  local n = redis.call('ZLEXCOUNT', current, after(r.created), '+')
  if n >= limit and not oldest then
    return 'LIMIT'
  elseif n >= limit then
    local members = redis.call('ZRANGE', current, after(r.created), '+', 'BYLEX')
    table.sort(members, function(a, b) return precedes(a:sub(19), b:sub(19)) end)
    for i = 1, n - limit + 1 do
      excess[i] = find(members[i]:sub(37))
    end
  end
end
local digests = {}
for i, old in ipairs(excess) do
  revoke(old, r.created)
  digests[i] = old.digest
end
put(r)
publish(r)
return digests
