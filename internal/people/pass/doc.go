// Package pass reads the short tokens by which a wallet's backend says which customer an app
// or a page speaks for.
//
// A token is a JSON Web Token of one kind alone: HS256, signed with a secret that `huiyin key
// create NAME --scope customers-sign` made, named by the secret's number in kid, for the
// audience huiyin-inapp, valid for 15 minutes at most. What the header says of the algorithm
// is checked and never followed. The signature is compared in constant time before anything
// in the token's body is read.
//
// It opens one customer's cards and nothing else: it is no API key and no session.
package pass
