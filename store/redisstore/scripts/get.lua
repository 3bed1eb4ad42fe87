#!lua flags=no-writes
-- get ID: digest and row
local r = find(ARGV[3])
return r and {r.digest, format(r)}
