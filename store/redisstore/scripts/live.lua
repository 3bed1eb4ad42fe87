#!lua flags=allow-oom
-- live KIND CLIENT ANY SUBJECT BEFORE LIMIT NOW FROM STEP: where to go on, or "",
-- then digests and rows in turn: the newest ones before a place in the order of
-- CREATED:ID, of those in one step through the members that have not expired
local kind, before, limit = #ARGV[1] .. ':' .. ARGV[1], ARGV[5], tonumber(ARGV[6])
local wanted = ARGV[3] == '1' and kind or label(ARGV[1], ARGV[2])
local from = ARGV[8] == '' and after(ARGV[7]) or '(' .. ARGV[8]
local members = redis.call('ZRANGE', base .. 'l:' .. ARGV[4], from, '+', 'BYLEX', 'LIMIT', 0, ARGV[9])
local found = {}
for _, member in ipairs(members) do
  if member:sub(37, 36 + #wanted) == wanted then
    local client = 37 + #kind
    local digits = member:match('^%d+', client)
    local place = member:sub(19, 36) .. ':' .. member:sub(client + #digits + 1 + tonumber(digits))
    if before == '' or precedes(place, before) then
      found[#found + 1] = place
    end
  end
end
table.sort(found, function(a, b) return precedes(b, a) end)
local answer = {#members == tonumber(ARGV[9]) and members[#members] or ''}
for i = 1, math.min(limit, #found) do
  local r = find(found[i]:sub(20))
  answer[#answer + 1] = r.digest
  answer[#answer + 1] = format(r)
end
return answer
