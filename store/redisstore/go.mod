module github.com/keystile/keystile/store/redisstore

go 1.26.0

require (
	github.com/keystile/keystile v0.0.0
	github.com/redis/rueidis v1.0.79
)

require (
	github.com/gorilla/securecookie v1.1.2 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/keystile/keystile => ../../
