#!lua flags=allow-oom
-- prune BEFORE STEP: how many it deleted, and how many it looked at
local index, rows = base .. 'e', {}
local members = redis.call('ZRANGE', index, '-', '(' .. ARGV[3], 'BYLEX', 'LIMIT', 0, ARGV[4])
for _, member in ipairs(members) do
  rows[#rows + 1] = indexed(member) or nil
end
for _, r in ipairs(rows) do
  redis.call('DEL', base .. 'd:' .. r.digest)
end
for _, member in ipairs(members) do
  if not indexed(member) then -- deleted just now, or vanished before
    forget(member:sub(20))
  end
  redis.call('ZREM', index, member)
end
return {#rows, #members}
