#!lua flags=allow-oom
-- get ID: digest and row
local r, moved = find(ARGV[1])
return r and {r.digest, format(r)} or moved
