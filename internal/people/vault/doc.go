// Package vault keeps the keys under which what identifies a customer is sealed, and the
// ledger of those who were erased.
//
// Each customer has a data key of their own. Names, addresses and the texts of messages
// lie sealed under it in the tables of the packages that own them; the data keys lie here,
// in a database of their own that is in no backup of the house's, wrapped under a key from
// the key file. Whoever is erased loses their key first: from then on no copy of the
// house's database, however old, says who they were.
//
// Keys are made in blocks, durable before anyone may use them, so that a new customer
// costs no write here. A key nobody came to use does no harm.
//
// It seals and opens bytes and knows nothing of what they mean. Which rows there are, who
// may read them, and what else an erasure takes, is for the packages above.
package vault
