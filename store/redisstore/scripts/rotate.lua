#!lua
-- rotate ID UNTIL DIGEST ROW RECENT SINCE
local old, moved = find(ARGV[1])
local ends, new = ARGV[2], parse(ARGV[3], ARGV[4])
if not old then
  return moved
elseif old.rotated ~= NEVER or not active(old, new.created) then
  return 'CONFLICT'
elseif old.subject ~= new.subject then
  return 'SUBJECT'
elseif taken(new) then
  return 'EXISTS'
elseif exceeds(new, tonumber(ARGV[5]), ARGV[6]) then
  return 'LIMIT'
end
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
