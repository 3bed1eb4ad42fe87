module github.com/keystile/keystile/store/cache

go 1.26.0

require (
	github.com/keystile/keystile v0.0.0
	github.com/maypok86/otter/v2 v2.4.0
)

replace github.com/keystile/keystile => ../../
