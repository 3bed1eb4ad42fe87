#!lua
-- touch ID AT ADDR ...: for those that are in another partition, its byte and the
-- number of the use, in turn
local elsewhere = {}
for i = 1, #ARGV, 3 do
  local r, moved = find(ARGV[i])
  if r and r.used < ARGV[i + 1] then
    r.used, r.addr = ARGV[i + 1], ARGV[i + 2]
    redis.call('SET', base .. 'd:' .. r.digest, format(r))
  elseif moved then
    elsewhere[#elsewhere + 1] = moved:sub(3)
    elsewhere[#elsewhere + 1] = (i - 1) / 3
  end
end
return elsewhere
