#!lua flags=allow-oom
-- drop KEY POINTER: deletes the key if it still has this value
if redis.call('GET', ARGV[1]) == ARGV[2] then
  return redis.call('DEL', ARGV[1])
end
return 0
