// Package crypt holds the house's secret keys and what is computed with them.
//
// The keys lie in a file of their own beside the database, readable by the
// server alone, so that a stolen copy of the database opens no link, forges no
// idempotency key and finds no phone number. Several nodes share one such file.
//
// From the file's master key each use derives its own key by HKDF: a MAC made
// for one purpose is worthless for another.
package crypt
