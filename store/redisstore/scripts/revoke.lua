#!lua flags=allow-oom
-- revoke KIND ID SUBJECT FAMILY CLIENT AT EXPIRING-AFTER FROM STEP EXCEPT...:
-- where to go on, or "", then the digests of those it changed
local kind, id, subject, family, client = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local at, cutoff, step = ARGV[6], ARGV[7], tonumber(ARGV[9])
local except = {}
for i = 10, #ARGV do
  except[ARGV[i]] = true
end
local answer = {''}

local function try(r)
  if active(r, cutoff) and not except[r.id]
    and (kind == '' or kind == r.kind) and (subject == '' or subject == r.subject)
    and (family == '' or family == r.family or family == r.id)
    and (client == '' or client == r.client) then
    revoke(r, at)
    answer[#answer + 1] = r.digest
  end
end

if id ~= '' then
  local r, moved = find(id)
  if r then
    try(r)
  elseif moved then
    return moved
  end
  return answer
end
local from = ARGV[8] == '' and after(cutoff) or '(' .. ARGV[8]
local members = redis.call('ZRANGE', base .. 'l:' .. subject, from, '+', 'BYLEX', 'LIMIT', 0, step)
for _, member in ipairs(members) do
  local i = 37
  for _ = 1, 2 do -- kind and client
    local digits = member:match('^%d+', i)
    i = i + #digits + 1 + tonumber(digits)
  end
  try(find(member:sub(i)))
end
if #members == step then
  answer[1] = members[step]
end
return answer
