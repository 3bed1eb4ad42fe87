#!lua
-- update ID NAME DATA SCOPES NETWORKS: digest and row; each field is "=" and its
-- new value, or empty to stay
local r, moved = find(ARGV[1])
if not r then
  return moved
end
local fields, rest = {}, 1
for i = 1, 4 do
  fields[i], rest = struct.unpack('>I4c0', r.rest, rest)
  if ARGV[1 + i] ~= '' then
    fields[i] = ARGV[1 + i]:sub(2)
  end
  fields[i] = struct.pack('>I4c0', #fields[i], fields[i])
end
r.rest = table.concat(fields) .. r.rest:sub(rest)
redis.call('SET', base .. 'd:' .. r.digest, format(r))
publish(r)
return {r.digest, format(r)}
