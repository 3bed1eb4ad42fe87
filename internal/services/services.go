// Package services starts PostgreSQL and Redis servers for tests: private ones,
// in temporary directories and on free ports, which end with the test. A test
// that uses it needs no preparation where the programs are installed. Where they
// are not it is skipped, and fails where CI is set.
//
// The servers can be killed, paused, started again and replaced by a replica, and a
// [Proxy] breaks or slows down the network to them. Servers start on Linux only:
// elsewhere the tests that need them are left out.
package services
