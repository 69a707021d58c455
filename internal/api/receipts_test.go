package api

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestABodyOfAStrangerComesSoonOrNotAtAll(t *testing.T) {
	const within = 100 * time.Millisecond
	type read struct {
		body string
		err  error
		gone error // the request's own, after a while of keeping
	}
	done := make(chan read, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := readStrangers(w, r, 100, within)
		if err == nil {
			select {
			case <-r.Context().Done():
			case <-time.After(2 * within):
			}
		}
		done <- read{string(body), err, r.Context().Err()}
	}))
	defer s.Close()
	for _, test := range []struct {
		name      string
		announced int
		taken     bool
	}{
		{"all of it is there", 2, true},
		{"the rest never comes", 3, false},
		{"more is announced than is taken", 101, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if _, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n{}", test.announced); err != nil {
				t.Fatal(err)
			}
			select {
			case got := <-done:
				if (got.err == nil) != test.taken || test.taken && (got.body != "{}" || got.gone != nil) {
					t.Errorf("%+v", got)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("it is waited for without an end")
			}
		})
	}
}
