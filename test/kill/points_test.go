package kill

import (
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
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 4, 2, ' ', 0)
	row := func(cells ...any) {
		for _, c := range cells {
			switch c := c.(type) {
			case int:
				_, _ = w.Write([]byte(strconv.Itoa(c) + "\t")) // memory takes all
			case string:
				_, _ = w.Write([]byte(c + "\t")) // likewise
			}
		}
		_, _ = w.Write([]byte("\n")) // likewise
	}
	row("dies at", "events", "answers", "refusals", "contacted", "in doubt", "known again", "set aside", "wrong")
	for _, p := range points {
		t.Run(p.name, func(t *testing.T) {
			y := newYard(t, pointEvents, "")
			l := y.begin(pointEvents, pointPace)
			s := y.crash("-point", p.name, "-nth", strconv.Itoa(p.nth))
			select {
			case <-s.ended:
			case <-time.After(pointTimeout):
				t.Fatalf("the server never came to its end at %s", p.name)
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
			v := y.verify(l)
			row(p.name, v.acknowledged, v.answers, v.refusals, v.contacted, v.unknown, v.repeated, v.aside, len(v.wrong))
		})
	}
	_ = w.Flush() // memory takes all
	t.Log("\n" + table.String())
}
