package acts

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestACustomerWrittenAsADocumentIsReadTheSame(t *testing.T) {
	const text = `{"id":"u1","name":"安娜","language":"zh-CN","country":"CN","birth_year":1990,"zones":["Asia/Shanghai"],"has":["app"],` +
		`"own_hours":{"zone":"Asia/Shanghai","windows":[{"days":["workdays"],"hours":["19:00-21:00"]}]},"points":[{"channel":"email","address":"a@example.com","verified":true}]}`
	c, bad := ReadCustomer([]byte(text))
	if bad != nil {
		t.Fatal(bad)
	}
	again, err := json.Marshal(CustomerDocOf(c))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, string(again)); diff != "" {
		t.Error(diff)
	}
}

func FuzzReadCustomer(f *testing.F) {
	f.Add([]byte(`{"id":"u1","zones":["Asia/Shanghai"],"points":[{"channel":"email","address":"a@example.com"}]}`))
	f.Add([]byte(`{"id":1}`))
	f.Add([]byte(`{"ID":"u","own_hours":{"windows":[{"days":["all"],"hours":["09:00-12:00"]}]}}`))
	f.Add([]byte(`{"id":"u"} {}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, bad := ReadCustomer(raw)
		if (c == nil) == (bad == nil) {
			t.Fatalf("both or neither: %v %v", c, bad)
		}
		if bad != nil {
			if bad.Code == "" || bad.Text == "" {
				t.Fatalf("a refusal without words: %+v", bad)
			}
			return
		}
		text, err := json.Marshal(CustomerDocOf(c))
		if err != nil {
			t.Fatal(err)
		}
		if _, bad := ReadCustomer(text); bad != nil {
			t.Fatalf("what was read can't be read again: %v\n%s", bad, text)
		}
	})
}
