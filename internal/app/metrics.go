package app

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/outbox"
)

const (
	scrapeTimeout = 2 * time.Second
	dueCountMax   = 100_000 // follow-ups counted per lane; more are shown as this many
)

// gauge describes one figure. None of them is of a person.
func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("huiyin_"+name, help, labels, nil)
}

var (
	descUp       = gauge("database_up", "1: the database answered")
	descTaken    = gauge("events_total", "Events taken in over HTTP by this node, by what became of them", "outcome")
	descLag      = gauge("log_lag_events", "Events in the log that the router has not worked on")
	descDue      = gauge("follow_ups_due", "Follow-ups that are due, by lane; counted to 100,000", "lane")
	descAside    = gauge("follow_ups_set_aside", "Follow-ups that wait for a person")
	descFlight   = gauge("attempts_in_flight", "Attempts of this node recorded and not concluded, by lane", "lane")
	descSent     = gauge("attempts_concluded_total", "Attempts concluded by this node since its start, by lane", "lane")
	descAttempts = gauge("attempts_total", "Attempts of all nodes that ever entered a state", "channel", "state")
	descQueue    = gauge("write_queue_length", "Writers of this node that wait for the database")
	descWebhooks = gauge("webhook_deliveries", "Deliveries of the last thirty days to the wallet's endpoints", "endpoint", "state")
	descAsserted = gauge("assertions_total", "Follow-ups this node stopped because something that can't be was so")
)

// metrics serves the figures of this node and of the database.
func (a *App) metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), (*figures)(a))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: 2 * scrapeTimeout})
}

// figures collects when asked.
type figures App

// Describe is left out: the figures of labels come and go.
func (f *figures) Describe(chan<- *prometheus.Desc) {}

// Collect reads what the node knows, and what the database does.
func (f *figures) Collect(out chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	level := func(d *prometheus.Desc, n int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	taken := f.API.Counts()
	count(descTaken, taken.Accepted, "accepted")
	count(descTaken, taken.Duplicate, "duplicate")
	count(descTaken, taken.Rejected, "rejected")
	count(descTaken, taken.Refused, "sent-back")
	for _, l := range f.Lanes {
		level(descFlight, l.InFlight(), l.Name)
		count(descSent, l.Sent(), l.Name)
	}
	level(descQueue, int64(f.DB.Queued()))
	count(descAsserted, f.Dispatcher.Assertions())

	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	s, err := (*App)(f).Standing(ctx)
	if err != nil {
		level(descUp, 0)
		return
	}
	level(descUp, 1)
	level(descLag, s.Lag)
	level(descAside, s.Aside)
	for lane, n := range s.Due {
		level(descDue, n, lane)
	}
	for name, states := range s.Webhooks {
		for state, n := range states {
			level(descWebhooks, n, name, string(state))
		}
	}
	for key, n := range s.Attempts {
		count(descAttempts, n, key[0], key[1])
	}
}

// Standing is what the database tells of the work.
type Standing struct {
	Lag      int64               // events the router has not worked on
	Due      map[string]int64    // follow-ups due, by lane
	Aside    int64               // follow-ups that wait for a person
	Attempts map[[2]string]int64 // ever entered, by channel and state
	Webhooks map[string]map[outbox.State]int64
}

// Standing reads how the work stands.
func (a *App) Standing(ctx context.Context) (Standing, error) {
	s := Standing{Due: map[string]int64{}, Attempts: map[[2]string]int64{}}
	err := a.DB.Read(ctx, func(tx *db.Tx) error {
		tail, err := event.Tail(tx)
		if err != nil {
			return err
		}
		var routed int64
		if err := tx.QueryRow(`SELECT COALESCE(MAX(seq), 0) FROM log_offset WHERE name = 'route'`).Scan(&routed); err != nil {
			return err
		}
		s.Lag = max(tail-routed, 0)
		now, err := tx.Now()
		if err != nil {
			return err
		}
		for _, l := range a.Lanes {
			var n int64
			if err := tx.QueryRow(`SELECT COUNT(*) FROM (SELECT 1 FROM follow_up
				WHERE state IN ('waiting', 'contacting') AND lane = $1 AND due_at <= $2 LIMIT $3) AS due`, l.Name, db.Millis(now), dueCountMax).Scan(&n); err != nil {
				return err
			}
			s.Due[l.Name] = n
		}
		if err := tx.QueryRow(`SELECT COUNT(*) FROM follow_up WHERE state = 'set_aside'`).Scan(&s.Aside); err != nil {
			return err
		}
		if s.Webhooks, err = outbox.Counts(tx); err != nil {
			return err
		}
		return s.addAttempts(tx)
	})
	return s, err
}

// addAttempts adds up the counters of attempts over programs, days and steps.
func (s *Standing) addAttempts(tx *db.Tx) error {
	rows, err := tx.Query(`SELECT dim, CAST(SUM(n) AS BIGINT) FROM (
		SELECT dim, n FROM counter WHERE metric = 'attempt' UNION ALL SELECT dim, n FROM tally_delta WHERE metric = 'attempt') AS every GROUP BY dim`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var dim string
		var n int64
		if err := rows.Scan(&dim, &n); err != nil {
			return err
		}
		if parts := strings.SplitN(dim, ":", 3); len(parts) == 3 { // step, channel, state
			s.Attempts[[2]string{parts[1], parts[2]}] += n
		}
	}
	return rows.Err()
}
