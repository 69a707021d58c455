//go:build race

package policy_test

// The race detector makes every decision some ten times dearer and learns
// nothing new from zone to zone.
func init() { zonesUnderTest = 40 }
