#!lua flags=allow-oom
-- revoke FILTER AT: the digests of those it changed
local at, changed = ARGV[10], {}
for _, r in ipairs(selected(filter(), at)) do
  if r.revoked == NEVER then
    unindex(r)
    r.revoked = at
    put(r)
    publish(r)
    changed[#changed + 1] = r.digest
  end
end
return changed
