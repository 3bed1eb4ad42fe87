#!lua flags=allow-oom
-- erase SUBJECT STEP: digests and IDs of those it deleted, in turn; none if there
-- are no more
local answer = {}
local g = redis.call('SRANDMEMBER', base .. 'g:' .. ARGV[1])
if g then
  for _, member in ipairs(redis.call('ZRANGE', base .. 'h:' .. g, 0, tonumber(ARGV[2]) - 1)) do
    local r = find(member:sub(20))
    remove(r)
    publish(r)
    answer[#answer + 1] = r.digest
    answer[#answer + 1] = r.id
  end
end
return answer
