module github.com/keystile/keystile/store/sqlstore/postgres

go 1.26.0

require (
	github.com/jackc/pgx/v5 v5.12.0
	github.com/keystile/keystile v0.0.0
	github.com/keystile/keystile/store/sqlstore v0.0.0
)

require (
	github.com/gorilla/securecookie v1.1.2 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace (
	github.com/keystile/keystile => ../../../
	github.com/keystile/keystile/store/sqlstore => ../
)
