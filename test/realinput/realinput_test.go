package realinput

import (
	"testing"

	"github.com/huiyin/huiyin/test/realinput/oracle"
)

func TestThreeWeeksOfACallCentre(t *testing.T) {
	calls := readCalls(t)
	eachEngine(t, options{country: "IL"}, func(h *house) {
		events := h.prepare(calls)
		var done replayed
		h.run(&done, "replay", "--json", "--events", events, "--apply", "testdata/callcentre")
		cpu := h.cpu
		if done.Events != servedCalls || done.Refused != 0 || done.Rejected != 0 {
			h.t.Fatalf("the replay took %d events, refused %d lines, rejected %d", done.Events, done.Refused, done.Rejected)
		}
		held, terms, mails := h.heldOut(calls), theTerms(h.t), h.mails()
		complain(h.t, "harm", oracle.Judge(mails, held, terms))
		expected, err := oracle.Expect(triggers(calls), held, terms)
		if err != nil {
			h.t.Fatal(err)
		}
		complain(h.t, "mail", oracle.Compare(expected, mails, nil))
		complain(h.t, "follow-up", differ(expectedLines(expected), h.followUps(), nil))
		var a account
		h.run(&a, "report", "after-call", "--json")
		complain(h.t, "account", a.adds(expected))
		h.t.Logf("%d triggers: %d started, %d merged; %d mailed, %d held out, %d over the cap; %d moments in %.1f s, %.1f s of CPU",
			a.Triggers.Total, a.Triggers.Started, a.Triggers.Merged, len(mails), a.ended("held_out"), a.ended("suppressed"), done.Moments, done.WallS, cpu.Seconds())
		h.theyAnswer(events, h.seen())
	})
}
