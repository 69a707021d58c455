//go:build race

package condition

import "time"

// The race detector makes every step of a condition some twenty times dearer.
func init() { stoppedWithin = time.Minute }
