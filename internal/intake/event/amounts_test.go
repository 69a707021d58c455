package event

import (
	"fmt"
	"testing"
)

func TestAmountsAreTheFieldsMarkedToBeSummed(t *testing.T) {
	points := mustType(t, "wallet.points.earned", `{"type":"object","properties":{"points":{"type":"integer","x-sum":true},"amount_minor":{"type":"integer","x-sum":false}}}`)
	c := catalogue(t, points)
	for _, k := range []struct{ name, typ, data, want string }{
		{"money with its currency", "wallet.payment.succeeded", `{"order_id":"O","amount_minor":5000,"currency":"CNY"}`, "[{amount_minor CNY 5000}]"},
		{"whatever the order", "wallet.payment.succeeded", `{"currency":"USD","x":{"amount_minor":1},"amount_minor":-7}`, "[{amount_minor USD -7}]"},
		{"points have no currency", points.Name, `{"points":3,"amount_minor":9,"currency":"CNY"}`, "[{points  3}]"},
		{"nothing to add", "wallet.app.opened", `{"amount_minor":5}`, "[]"},
		{"an unknown type", "wallet.x", `{"amount_minor":5}`, "[]"},
		{"a number that is none", "wallet.payment.succeeded", `{"amount_minor":1.5}`, "[]"},
		{"broken data", "wallet.payment.succeeded", `{"amount_minor":1`, "[]"},
	} {
		t.Run(k.name, func(t *testing.T) {
			if got := fmt.Sprint(c.Amounts(&Event{Type: k.typ, Data: []byte(k.data)})); got != k.want {
				t.Errorf("got %s, want %s", got, k.want)
			}
		})
	}
}
