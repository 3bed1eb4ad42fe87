// A module of its own, outside of the workspace: go-guardian requires such old
// versions of so much that nothing else should be built with them.
module github.com/keystile/keystile/examples/migrating/guardian

go 1.26.0

require (
	github.com/keystile/keystile v0.0.0
	github.com/shaj13/go-guardian/v2 v2.11.6
	github.com/shaj13/libcache v1.0.0
)

replace github.com/keystile/keystile => ../../../
