// Package db is the one way to the tables, on SQLite and on PostgreSQL.
//
// SQL is written once, in PostgreSQL's dialect; for SQLite it is rewritten
// (placeholders, a few types, = ANY, row locks) the first time it is used.
//
// There is one way to write: DB.Write(priority, name, fn). On SQLite one writer
// groups the callers, a savepoint each, into transactions of at most 20 ms, so
// that one fsync serves many; refusals and answers go first. On PostgreSQL the
// same call takes a connection of the pool, in the same order of priority.
// Write returns after the commit is durable: what it acknowledged is not lost.
// There is one way to read: DB.Read gives one snapshot.
//
// A hook sees named points around every transaction; crash rigs stop a node
// there. The product itself sets none.
package db
