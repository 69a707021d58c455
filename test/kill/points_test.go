package kill

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

const (
	pointEvents  = 90
	pointPace    = 2 * time.Millisecond
	pointTimeout = 20 * time.Second
)

// points are where the server is made to die: before a transaction, when it is done but
// not committed, when it is committed but nobody knows, and around a send.
var points = []struct {
	name string
	nth  int
}{
	{"read:begin", 40},
	{"write:claim-node:commit", 1},
	{"write:claim-node:committed", 1},
	{"write:intake:begin", 3},
	{"write:intake:commit", 3},
	{"write:intake:committed", 3},
	{"write:route:begin", 2},
	{"write:route:commit", 2},
	{"write:route:committed", 2},
	{"write:record:begin", 4},
	{"write:record:commit", 4},
	{"write:record:committed", 4},
	{"send:before", 7},
	{"look:before", 7},
	{"look:after", 7},
	{"send:after", 7},
	{"write:conclude:begin", 3},
	{"write:conclude:commit", 3},
	{"write:conclude:committed", 3},
	{"write:fold:commit", 2},
	{"write:fold:committed", 2},
	{"write:answer:commit", 2},
	{"write:answer:committed", 2},
	{"write:refuse:commit", 1},
	{"write:refuse:committed", 1},
}

func TestEveryCrashPoint(t *testing.T) {
	found := make([]*verdict, len(points))
	t.Run("dies at", func(t *testing.T) {
		for i, p := range points {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				found[i] = diesAt(t, p.name, p.nth)
			})
		}
	})
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 4, 2, ' ', 0)
	say := func(format string, a ...any) { _, _ = fmt.Fprintf(w, format, a...) } // memory takes all
	say("dies at\tevents\tanswers\trefusals\tcontacted\tin doubt\tknown again\tanswered\tset aside\twrong\n")
	for i, p := range points {
		if v := found[i]; v != nil {
			say("%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", p.name, v.acknowledged, v.answers, v.refusals, v.contacted, v.unknown, v.repeated, v.proven, v.aside, len(v.wrong))
		}
	}
	_ = w.Flush() // likewise
	t.Log("\n" + table.String())
}

// diesAt runs a server that dies at a point, and another that goes on.
func diesAt(t *testing.T, point string, nth int) *verdict {
	y := newYard(t, pointEvents, "")
	l := y.begin(pointEvents, pointPace)
	s := y.crash("-point", point, "-nth", strconv.Itoa(nth))
	select {
	case <-s.ended:
	case <-time.After(pointTimeout):
		t.Fatalf("the server never came to its end at %s", point)
	}
	if !s.wait() {
		t.Fatal("the server ended, but not at its point")
	}
	after := y.serve()
	if !after.ready() {
		t.Fatalf("the server doesn't start again: %v\n%s", after.err, after.complaints.String())
	}
	l.end()
	y.idle(0)
	after.stop()
	y.settle()
	return y.verify(l)
}
