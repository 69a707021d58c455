// Package consent is what customers allow and what they refuse.
//
// Consents are a ledger: each grant or withdrawal is one row with where and how
// it was given, and the latest that matches counts. Refusals stand until they
// are lifted; one is tied to the person, to a contact point by its keyed hash,
// or to both, so that a number somebody refused stays refused whoever else it
// belongs to, and after the person is erased.
//
// A refusal locks the customer's row, as recording a contact does: whichever
// comes second sees what the first did.
//
// Refuses reads a customer's own words. Whether a contact may be made is not
// decided here; package policy does, from what Standing gives.
package consent
