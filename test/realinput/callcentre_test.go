package realinput

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/test/realinput/oracle"
)

// What the file is known to hold: a change of it must not go unnoticed.
const (
	servedCalls     = 8808
	servedCustomers = 3277
	mostCalls       = 125 // of one customer
)

// served is one call that a person answered, of a customer the bank knew.
type served struct {
	row      int
	customer string
	id       string
	kind     string
	ended    time.Time
	waited   int
	talked   int
}

// table reads a gzipped CSV file of the data folder, by the names of its columns.
func table(t *testing.T, path string) (rows [][]string, column func(row []string, name string) string) {
	t.Helper()
	f, err := os.Open(filepath.Join(dataFolder(t), path))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read from
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err = csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	return rows[1:], func(row []string, name string) string {
		i, ok := at[name]
		if !ok {
			t.Fatalf("%s has no column %s", path, name)
		}
		return row[i]
	}
}

// readCalls reads the served calls of known customers. The clock on the wall in Israel
// is what the file tells; a call that ends before it began ended after midnight.
func readCalls(t *testing.T) []served {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Jerusalem")
	if err != nil {
		t.Fatal(err)
	}
	rows, column := table(t, "callcentre_1999_feb/dev_0201_0221.csv.gz")
	var calls []served
	for i, row := range rows {
		c := served{row: i + 2, customer: column(row, "customer_id"), kind: column(row, "type")}
		if column(row, "outcome") != "AGENT" || c.customer == "0" {
			continue
		}
		clock := func(name string) time.Time {
			at, err := time.ParseInLocation("060102 15:04:05", column(row, "date")+" "+column(row, name), zone)
			if err != nil {
				t.Fatalf("row %d: %v", c.row, err)
			}
			return at
		}
		c.id = column(row, "vru+line") + "-" + column(row, "call_id")
		if c.ended = clock("ser_exit"); c.ended.Before(clock("vru_entry")) {
			c.ended = c.ended.AddDate(0, 0, 1)
		}
		for name, into := range map[string]*int{"q_time": &c.waited, "ser_time": &c.talked} {
			if _, err := fmt.Sscan(column(row, name), into); err != nil {
				t.Fatalf("row %d: %s: %v", c.row, name, err)
			}
		}
		calls = append(calls, c)
	}
	byCustomer := map[string]int{}
	most := 0
	for _, c := range calls {
		byCustomer[c.customer]++
		most = max(most, byCustomer[c.customer])
	}
	if len(calls) != servedCalls || len(byCustomer) != servedCustomers || most != mostCalls {
		t.Fatalf("%d calls of %d customers, one with %d; the file should hold %d of %d, one with %d",
			len(calls), len(byCustomer), most, servedCalls, servedCustomers, mostCalls)
	}
	return calls
}

// triggers are the calls as the oracle takes them.
func triggers(calls []served) []oracle.Call {
	all := make([]oracle.Call, len(calls))
	for i, c := range calls {
		all[i] = oracle.Call{Customer: c.customer, At: c.ended}
	}
	return all
}

// ndjson writes one JSON object per line into a file.
func ndjson(t *testing.T, path string, n int, object func(i int) any) string {
	t.Helper()
	var b strings.Builder
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	for i := range n {
		if err := lines.Encode(object(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type object = map[string]any

// callEvents writes the calls as the wallet would tell of them.
func callEvents(t *testing.T, folder string, calls []served) string {
	return ndjson(t, filepath.Join(folder, "events.ndjson"), len(calls), func(i int) any {
		c := calls[i]
		return object{
			"specversion": "1.0", "id": fmt.Sprintf("feb-%d", c.row), "source": "call-centre", "type": "wallet.support.call-ended",
			"subject": c.customer, "time": c.ended.Format(time.RFC3339),
			"data": object{"call_id": c.id, "queue": c.kind, "waited_s": c.waited, "talked_s": c.talked, "solved": true},
		}
	})
}

// callCustomers writes the customers of the calls, each with an address of their own.
func callCustomers(t *testing.T, folder string, calls []served) string {
	seen := map[string]bool{}
	var all []string
	for _, c := range calls {
		if !seen[c.customer] {
			seen[c.customer] = true
			all = append(all, c.customer)
		}
	}
	return customersFile(t, folder, all, "IL", "Asia/Jerusalem")
}

func customersFile(t *testing.T, folder string, all []string, country, zone string) string {
	return ndjson(t, filepath.Join(folder, "customers.ndjson"), len(all), func(i int) any {
		return object{
			"id": all[i], "name": "Customer " + all[i], "language": "en", "country": country, "zones": []string{zone},
			"points": []object{{"channel": "email", "address": address(all[i]), "verified": true}},
		}
	})
}

func address(customer string) string { return "c" + customer + "@example.test" }

// customerOf reads the customer from an address.
func customerOf(address string) string {
	return strings.TrimSuffix(strings.TrimPrefix(address, "c"), "@example.test")
}
