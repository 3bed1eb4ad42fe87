module github.com/keystile/keystile/examples

go 1.26.0

require github.com/keystile/keystile v0.0.0

replace github.com/keystile/keystile => ../
