package replay

import (
	"strings"
	"testing"
)

func line(id, at string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"bank","type":"wallet.ticket.solved","subject":"c1","time":"` + at + `","data":{"ticket_id":"T"}}`
}

func TestAStreamIsSortedAndABrokenLineCostsOnlyItself(t *testing.T) {
	text := line("b", "1999-02-02T10:00:00Z") + "\n\nnot an event\n" + line("a", "1999-02-01T10:00:00+02:00") + "\n"
	events, refused, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 2 || events[0].ID != "a" || events[1].ID != "b" {
		t.Fatalf("events %+v", events)
	}
	if len(refused) != 1 || refused[0].Line != 3 {
		t.Fatalf("refused %+v, want line 3", refused)
	}
}

func TestALineThatNeverEndsIsRefused(t *testing.T) {
	if _, _, err := Read(strings.NewReader(strings.Repeat("x", lineBytesMax+1))); err == nil {
		t.Fatal("no error")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(line("a", "1999-02-01T10:00:00Z"))
	f.Add("{}\n[]\n")
	f.Fuzz(func(t *testing.T, text string) {
		events, _, err := Read(strings.NewReader(text))
		for i := 1; err == nil && i < len(events); i++ {
			if events[i].At.Before(events[i-1].At) {
				t.Fatal("not in order")
			}
		}
	})
}
