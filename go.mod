module github.com/keystile/keystile

go 1.26.0
