// Package clock hands time to everything that needs it.
//
// No other package of the product asks the machine for the time, so a year can
// be lived in seconds and a failing run can be repeated from its seed. System
// is the machine's clock; Virtual stands still until it is moved; Skewed is
// another clock seen through a wrong offset.
package clock
