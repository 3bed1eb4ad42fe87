// Package services starts PostgreSQL and Redis servers for tests. They run in
// temporary directories and on free ports, and end with the test. If the programs are
// installed, a test needs no other preparation. Otherwise it is skipped, or fails if
// the environment variable CI is set.
//
// Tests can kill, pause and restart the servers, and replace them by replicas. A
// [Proxy] interrupts or slows down the network. Servers start only on Linux, and tests
// that need them are built only there.
package services
