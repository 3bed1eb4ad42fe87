#!lua flags=no-writes
-- list FILTER LIMIT BEFORE: digests and rows by turns
local before
if ARGV[11] ~= '' then
  local r = find(ARGV[11])
  if not r then
    return false
  end
  before = r.created .. ':' .. r.id
end
local answer = {}
for _, r in ipairs(selected(filter(), now, before, tonumber(ARGV[10]))) do
  answer[#answer + 1] = r.digest
  answer[#answer + 1] = format(r)
end
return answer
