package policy

// Calendar is the dated days of one country.
type Calendar struct{ Country string }
