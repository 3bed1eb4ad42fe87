#!lua flags=allow-oom
-- keep KEY POINTER: makes the key permanent if it still has this value
if redis.call('GET', ARGV[1]) == ARGV[2] then
  redis.call('PERSIST', ARGV[1])
  return 1
end
return 0
