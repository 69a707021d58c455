package bench

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// Intake is the size of an intake bench.
type Intake struct {
	Events  int           // at most what a backlog may hold: nobody routes meanwhile
	Batch   int           // events in one request
	Clients int           // requests at once
	Budget  time.Duration // of wall time, product and limit together
}

// IntakeDefault ends within 40 s on two cores.
var IntakeDefault = Intake{Events: 120_000, Batch: 1_000, Clients: 4, Budget: 20 * time.Second}

const (
	intakeRound    = 8 // requests before it is the limit's turn
	requestTimeout = time.Minute
	answerBytesMax = 1 << 20
)

// Door makes what answers POST /v1/events over a database, and the value of the
// Authorization header it asks for.
type Door func(d *db.DB) (h http.Handler, authorization string, err error)

// RunIntake measures events from an HTTP request to their durable acknowledgement,
// judged and deduplicated, against the same rows with the same keys inserted by the
// driver alone, as many in a transaction and as durable. The ids are random.
func RunIntake(ctx context.Context, address string, size Intake, door Door, random io.Reader) (r Result, err error) {
	place, err := newScratch(address, random)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, place.remove()) }()
	var addresses [3]string // the product's, the limit's, and where the limit's statements are taken down
	for i := range addresses {
		if addresses[i], err = place.fresh(ctx); err != nil {
			return r, err
		}
	}
	limit, err := newIntakeLimit(ctx, addresses[1], addresses[2])
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, limit.close()) }()
	d, err := db.Open(ctx, addresses[0], db.Options{})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	handler, authorization, err := door(d)
	if err != nil {
		return r, err
	}
	c, stop, err := serveDoor(handler, authorization)
	if err != nil {
		return r, err
	}
	defer stop()
	return intakeBoth(ctx, d, c, limit, size, random)
}

func intakeBoth(ctx context.Context, d *db.DB, c *caller, limit *intakeLimit, size Intake, random io.Reader) (Result, error) {
	catalogue, err := event.NewCatalogue()
	if err != nil {
		return Result{}, err
	}
	var product, raw, alone spent
	began := clock.System{}.Now()
	for int(product.n) < size.Events && (clock.System{}).Now().Sub(began) < size.Budget {
		bodies, events, err := requests(size, random)
		if err != nil {
			return Result{}, err
		}
		if err := product.measure(func() (int64, error) { return c.post(ctx, bodies, size) }); err != nil {
			return Result{}, err
		}
		if err := limit.takeDown(ctx, events, size.Batch); err != nil {
			return Result{}, err
		}
		if err := raw.measure(func() (int64, error) {
			return playAll(ctx, limit.raw, limit.written.take(), int64(len(events)))
		}); err != nil {
			return Result{}, err
		}
		if err := alone.measure(func() (int64, error) { return judge(catalogue, bodies) }); err != nil {
			return Result{}, err
		}
	}
	var logged int64
	err = d.Read(ctx, func(tx *db.Tx) error { return tx.QueryRow(`SELECT COUNT(*) FROM event_log`).Scan(&logged) })
	if err == nil && logged != product.n {
		err = fmt.Errorf("%d events were acknowledged, %d are in the log", product.n, logged)
	}
	return compare("intake", "the same rows with the same keys inserted raw, as many in a transaction and as durable", product, raw, map[string]any{
		"batch": size.Batch, "clients": size.Clients, "engine": d.Engine().String(), "cpu_us_per_op_without_database": round(alone.cpuUsPerOp()),
	}), err
}

// requests makes the bodies of a round, and the events in them.
func requests(size Intake, random io.Reader) (bodies [][]byte, events []event.Event, err error) {
	now := clock.System{}.Now().UTC().Truncate(time.Millisecond)
	id := make([]byte, 16)
	for range intakeRound {
		body := bytes.NewBufferString("[")
		for i := range size.Batch {
			if _, err := io.ReadFull(random, id); err != nil {
				return nil, nil, err
			}
			e := failedPayment(int(id[0])<<16|int(id[1])<<8|int(id[2]), int(id[3])<<8|int(id[4]), int(id[5])<<8)
			e.ID, e.At = hex.EncodeToString(id), now.Add(-time.Duration(i)*time.Second)
			events = append(events, e)
			if i > 0 {
				body.WriteByte(',')
			}
			_, _ = fmt.Fprintf(body, `{"specversion":"1.0","id":%q,"source":%q,"type":%q,"subject":%q,"time":%q,"datacontenttype":"application/json","data":%s}`,
				e.ID, e.Source, e.Type, e.Subject, e.At.Format(time.RFC3339Nano), e.Data)
		}
		body.WriteByte(']')
		bodies = append(bodies, body.Bytes())
	}
	return bodies, events, nil
}

// judge does what intake does to bodies before it comes to the database.
func judge(catalogue *event.Catalogue, bodies [][]byte) (int64, error) {
	var n int64
	for _, b := range bodies {
		items, err := event.Decode(b, event.ContentBatch, event.Limits{Now: clock.System{}.Now()})
		if err != nil {
			return n, err
		}
		for i := range items {
			if items[i].Err != nil {
				return n, items[i].Err
			}
			if err := catalogue.Check(&items[i].Event); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// intakeLimit inserts rows by the driver alone. What it issues is taken down, off the
// clock, from appending the same events to a database that serves for nothing else.
type intakeLimit struct {
	raw     raw
	pattern *db.DB
	written tape
}

func newIntakeLimit(ctx context.Context, address, pattern string) (*intakeLimit, error) {
	var l intakeLimit
	var err error
	if l.raw, err = openRaw(ctx, address); err != nil {
		return nil, err
	}
	d, err := db.Open(ctx, pattern, db.Options{})
	if err != nil {
		return nil, errors.Join(err, l.raw.close())
	}
	l.pattern = d.Watched(l.written.watch)
	return &l, nil
}

func (l *intakeLimit) close() error { return errors.Join(l.raw.close(), l.pattern.Close()) }

func (l *intakeLimit) takeDown(ctx context.Context, events []event.Event, batch int) error {
	for len(events) > 0 {
		n := min(batch, len(events))
		part := events[:n]
		events = events[n:]
		if err := l.pattern.Write(ctx, db.Event, "pattern", func(tx *db.Tx) error {
			_, _, err := event.Append(tx, part)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// caller posts to a server on this machine.
type caller struct {
	url           string
	authorization string
	client        *http.Client
}

func serveDoor(h http.Handler, authorization string) (c *caller, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: requestTimeout}
	var done sync.WaitGroup
	done.Go(func() { _ = server.Serve(l) }) // it always ends with the error that it was closed
	c = &caller{url: "http://" + l.Addr().String() + "/v1/events", authorization: authorization, client: &http.Client{Timeout: requestTimeout}}
	return c, func() {
		_ = server.Close()
		done.Wait()
		c.client.CloseIdleConnections()
	}, nil
}

// post sends the bodies from as many clients as asked for, and counts what was accepted.
func (c *caller) post(ctx context.Context, bodies [][]byte, size Intake) (int64, error) {
	work := make(chan []byte, len(bodies))
	for _, b := range bodies {
		work <- b
	}
	close(work)
	var mu sync.Mutex
	var accepted int64
	var all error
	var clients sync.WaitGroup
	for range size.Clients {
		clients.Go(func() {
			for body := range work {
				n, err := c.one(ctx, body)
				if err == nil && n != int64(size.Batch) {
					err = fmt.Errorf("%d of %d events were accepted", n, size.Batch)
				}
				mu.Lock()
				accepted += n
				all = errors.Join(all, err)
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	return accepted, all
}

func (c *caller) one(ctx context.Context, body []byte) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", event.ContentBatch)
	if c.authorization != "" {
		req.Header.Set("Authorization", c.authorization)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, answerBytesMax))
	if err != nil {
		return 0, err
	}
	if res.StatusCode != http.StatusAccepted {
		return 0, fmt.Errorf("intake answered %s: %.200s", res.Status, text)
	}
	var result event.Result
	err = json.Unmarshal(text, &result)
	if err == nil && len(result.Rejected) > 0 {
		err = fmt.Errorf("event %d was rejected: %s", result.Rejected[0].Index, result.Rejected[0].Detail)
	}
	return int64(result.Accepted), err
}
