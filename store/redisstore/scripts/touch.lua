#!lua
-- touch ID AT
local r, at = find(ARGV[3]), ARGV[4]
if not r then
  return false
elseif r.used < at then
  r.used = at
  redis.call('SET', base .. 'd:' .. r.digest, format(r), 'KEEPTTL')
end
return 'OK'
