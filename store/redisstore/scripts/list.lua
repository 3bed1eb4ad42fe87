#!lua flags=allow-oom
-- list KIND CLIENT SUBJECT BEFORE LIMIT: digests and rows in turn
local index = base .. 'h:' .. label(ARGV[1], ARGV[2]) .. ARGV[3]
local from = ARGV[4] == '' and '+' or '(' .. ARGV[4]
local answer = {}
for _, member in ipairs(redis.call('ZRANGE', index, from, '-', 'BYLEX', 'REV', 'LIMIT', 0, ARGV[5])) do
  local r = find(member:sub(20))
  answer[#answer + 1] = r.digest
  answer[#answer + 1] = format(r)
end
return answer
