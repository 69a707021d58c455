package replay

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// loop is a router or folder that only writes down when it was asked.
type loop struct {
	clock clock.Clock
	asked []time.Time
}

func (l *loop) Turn(context.Context) (time.Time, bool, error) {
	l.asked = append(l.asked, l.clock.Now())
	return time.Time{}, false, nil
}

// parts are an engine without programs: nothing ever falls due but events.
func parts(t *testing.T) (Parts, *loop) {
	t.Helper()
	v := clock.NewVirtual(time.Unix(0, 0))
	d := dbtest.SQLite(t, db.Options{Clock: v})
	catalogue, err := event.NewCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	router := &loop{clock: v}
	return Parts{
		DB: d, Clock: v, Intake: event.NewIntake(d, v, catalogue, event.IntakeOptions{}), Router: router, Folder: &loop{clock: v},
		Dispatcher: &engine.Dispatcher{DB: d, Clock: v, Channels: channel.NewRegistry()},
	}, router
}

func stream(t *testing.T) []event.Event {
	t.Helper()
	events, refused, err := Read(strings.NewReader(line("a", "1999-02-01T10:00:00Z") + "\n" + line("b", "1999-02-01T10:00:00Z") + "\n" + line("c", "1999-02-03T10:00:00Z") + "\n"))
	if err != nil || len(refused) != 0 {
		t.Fatal(err, refused)
	}
	return events
}

func TestEventsComeInAtTheirOwnTime(t *testing.T) {
	p, router := parts(t)
	res, err := Run(context.Background(), p, stream(t), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if res.Events != 3 || res.Moments != 2 || res.Resumed || !res.To.Equal(stream(t)[2].At) || !p.Clock.Now().Equal(res.To) {
		t.Fatalf("%+v, the clock stands at %s", res, p.Clock.Now())
	}
	if last := router.asked[len(router.asked)-1]; !last.Equal(res.To) {
		t.Fatalf("the router was asked last at %s", last)
	}
}

func TestAReplayStopsWhereItIsToldAndGoesOnThere(t *testing.T) {
	p, _ := parts(t)
	events, until := stream(t), time.Date(1999, 2, 2, 0, 0, 0, 0, time.UTC)
	res, err := Run(context.Background(), p, events, until)
	if err != nil || res.Events != 2 || !res.To.Equal(until) {
		t.Fatalf("%+v, %v", res, err)
	}
	now, next, ok, err := Place(context.Background(), p.DB)
	if err != nil || !ok || next != 2 || !now.Equal(until) {
		t.Fatalf("the place is %s, %d, %v, %v", now, next, ok, err)
	}
	res, err = Run(context.Background(), p, events, time.Time{})
	if err != nil || !res.Resumed || res.Events != 1 || res.Duplicate != 0 || !res.From.Equal(until) {
		t.Fatalf("%+v, %v", res, err)
	}
}

func TestWhatTheLogHasBeyondTheKeptPlaceIsKnownAgain(t *testing.T) {
	p, _ := parts(t)
	events := stream(t)
	if _, err := Run(context.Background(), p, events, time.Time{}); err != nil {
		t.Fatal(err)
	}
	// As a kill leaves it: the place is some moments behind the log.
	if err := p.DB.Write(context.Background(), db.Event, "behind", func(tx *db.Tx) error {
		return engine.Keep(tx, placeName, "917863200000 0")
	}); err != nil {
		t.Fatal(err)
	}
	res, err := Run(context.Background(), p, events, time.Time{})
	if err != nil || res.Events != 0 || res.Duplicate != 3 || !res.From.Equal(events[2].At) {
		t.Fatalf("%+v, %v: the clock is to be where the log is", res, err)
	}
}

func TestAnotherStreamIsRefused(t *testing.T) {
	p, _ := parts(t)
	if _, err := Run(context.Background(), p, stream(t), time.Time{}); err != nil {
		t.Fatal(err)
	}
	_, err := Run(context.Background(), p, stream(t)[:1], time.Time{})
	if errs.CodeOf(err) != "replay-other-stream" {
		t.Fatal(err)
	}
}

func TestAnEmptyStreamIsOverAtOnce(t *testing.T) {
	p, _ := parts(t)
	res, err := Run(context.Background(), p, nil, time.Time{})
	if err != nil || res.Moments != 0 {
		t.Fatalf("%+v, %v", res, err)
	}
}
