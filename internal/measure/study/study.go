package study

import "time"

// The arms of a program's own hold-out.
const (
	Treated = "treated"
	HeldOut = "held-out"
)

// Bounds.
const (
	armCharsMax    = 64      // characters of an arm's name
	armsMax        = 32      // arms of one program
	assignmentsMax = 100_000 // rows of one import; a file is imported in parts
	refCharsMax    = 128     // characters of a customer's reference
	daysMax        = 1<<31 - 1
)

// Member is one customer in the study of one program.
type Member struct {
	Program, Customer int64

	Arm     string
	Control bool      // an arm the others are compared with
	At      time.Time // hits count from here, included
	Until   time.Time // to here, included
	HitAt   time.Time // the earliest measured event between; zero: none yet
}

// Hit is a measured event of a customer. One outside a member's window changes nothing.
type Hit struct {
	Program, Customer int64

	At time.Time // event time
}
