#!lua flags=allow-oom
-- prune ENDED ROTATED STEP: digests and IDs of those it deleted, in turn
local answer = {}
for i, index in ipairs({'e', 'r'}) do
  for _, member in ipairs(redis.call('ZRANGE', base .. index, '-', '(' .. ARGV[i], 'BYLEX', 'LIMIT', 0, ARGV[3])) do
    local r = find(member:sub(20))
    remove(r)
    answer[#answer + 1] = r.digest
    answer[#answer + 1] = r.id
  end
end
return answer
