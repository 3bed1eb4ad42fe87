#!lua
-- insert DIGEST ROW LIMIT
local r, limit = parse(ARGV[3], ARGV[4]), tonumber(ARGV[5])

-- full reports whether the subject holds as many as it may. What vanished rows
-- have left in the index is counted only where it does not matter.
local function full()
  local index, after = held_key(r), '(' .. r.created .. ';' -- ";" follows ":"
  if redis.call('ZLEXCOUNT', index, after, '+') < limit then
    return false
  end
  local held = 0
  for _, member in ipairs(redis.call('ZRANGE', index, after, '+', 'BYLEX')) do
    if indexed(member) then
      held = held + 1
    end
  end
  return held >= limit
end

if taken(r) then
  return 'EXISTS'
elseif limit > 0 and full() then
  return 'LIMIT'
end
clean(r.id)
put(r)
publish(r)
return 'OK'
