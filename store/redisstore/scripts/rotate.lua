#!lua
-- rotate ID UNTIL DIGEST ROW
local old = find(ARGV[3])
local ends, new = ARGV[4], parse(ARGV[5], ARGV[6])
if not old then
  return false
elseif old.rotated ~= NEVER or not active(old, new.created) then
  return 'CONFLICT'
elseif taken(new) then
  return 'EXISTS'
end
clean(new.id)
unindex(old)
old.rotated = new.created
if ends ~= NEVER and (old.expires == NEVER or ends < old.expires) then
  old.expires = ends
end
put(old)
put(new)
publish(old)
publish(new)
return 'OK'
