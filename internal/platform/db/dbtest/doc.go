// Package dbtest gives tests real, migrated databases of both engines.
//
// PostgreSQL is found by HUIYIN_TEST_POSTGRES, the address of a database in
// which the tests may create others; `make test` starts one. Without it a test
// fails and says so: a suite that quietly ran on one engine proves nothing about
// the other.
package dbtest
