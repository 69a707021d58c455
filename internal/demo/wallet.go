package demo

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"time"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/program/document"
)

const (
	walletSource   = "/demo/wallet"
	eventFailed    = "wallet.payment.failed"
	eventPaid      = "wallet.payment.succeeded"
	eventRefunded  = "wallet.refund.done"
	eventSolved    = "wallet.ticket.solved"
	eventApproved  = "wallet.account.approved"
	eventLate      = "wallet.transfer.late"
	refundDays     = 3
	lateBy         = 2 * time.Hour
	followUpsAsked = 50 // of a customer, in search of their unpaid order
)

// Happening is something that may happen to a customer of the simulated wallet.
type Happening struct {
	Name      string
	Type      string // of its event
	Title     document.Text
	Note      document.Text // what it should bring about
	Charged   bool
	LastOrder bool // it is about the order that failed before, if there is one
}

// Happenings are all there are, in the order of the page.
var Happenings = []Happening{
	{
		Name: "failed", Type: eventFailed,
		Title: document.Text{document.ZhCN: "支付失败,没有扣款", document.En: "A payment fails, no money taken"},
		Note:  document.Text{document.ZhCN: "几秒后发通知,再过几秒发问卷", document.En: "a notice within seconds, a survey a few seconds later"},
	},
	{
		Name: "charged", Type: eventFailed, Charged: true,
		Title: document.Text{document.ZhCN: "支付失败,款已扣下", document.En: "A payment fails, the money is taken"},
		Note:  document.Text{document.ZhCN: "通知里写明哪天退回", document.En: "the notice says by when it comes back"},
	},
	{
		Name: "late", Type: eventLate,
		Title: document.Text{document.ZhCN: "转账没有按时到账", document.En: "A transfer is late"},
		Note:  document.Text{document.ZhCN: "先发 App 卡片,没看再发短信,然后问一句;在“客户的手机”里看", document.En: "a card in the app, a text if it isn't looked at, then a question; see “Their phone”"},
	},
	{
		Name: "paid", Type: eventPaid, LastOrder: true,
		Title: document.Text{document.ZhCN: "重新支付成功", document.En: "The payment goes through after all"},
		Note:  document.Text{document.ZhCN: "同一订单的回访随之取消", document.En: "cancels the follow-up of the same order"},
	},
	{
		Name: "solved", Type: eventSolved,
		Title: document.Text{document.ZhCN: "客服把问题标为已解决", document.En: "Support marks a problem as solved"},
		Note:  document.Text{document.ZhCN: "问客户是不是真的解决了", document.En: "asks the customer whether it really is"},
	},
	{
		Name: "approved", Type: eventApproved,
		Title: document.Text{document.ZhCN: "开户审核通过", document.En: "An account is approved"},
		Note:  document.Text{document.ZhCN: "问候一次,解答最初的疑问", document.En: "a first word, and the first doubts"},
	},
	{
		Name: "refunded", Type: eventRefunded, LastOrder: true,
		Title: document.Text{document.ZhCN: "退款到账", document.En: "A refund arrives"},
		Note:  document.Text{document.ZhCN: "没有计划由它触发,只记入客户事实", document.En: "starts no program; it is noted in the customer's facts"},
	},
}

func happening(name string) (Happening, bool) {
	for _, h := range Happenings {
		if h.Name == name {
			return h, true
		}
	}
	return Happening{}, false
}

// purchase is something customers buy.
type purchase struct {
	merchant document.Text
	fen      int64 // about how much
}

var (
	purchases = []purchase{
		{document.Text{document.ZhCN: "城东生鲜超市", document.En: "Eastside Fresh Market"}, 26800},
		{document.Text{document.ZhCN: "老周牛肉面", document.En: "Zhou's Beef Noodles"}, 3600},
		{document.Text{document.ZhCN: "晨光书店", document.En: "Morning Light Books"}, 12850},
		{document.Text{document.ZhCN: "和平路药房", document.En: "Heping Road Pharmacy"}, 8940},
		{document.Text{document.ZhCN: "自来水缴费", document.En: "Water bill"}, 14320},
		{document.Text{document.ZhCN: "蓝门咖啡", document.En: "Blue Door Coffee"}, 3200},
		{document.Text{document.ZhCN: "高铁购票", document.En: "Train tickets"}, 55350},
		{document.Text{document.ZhCN: "小鹿童装", document.En: "Little Deer Children's Wear"}, 19900},
	}
	failures = []string{"insufficient-funds", "bank-declined", "card-expired", "daily-limit-exceeded", "network", "timeout", "bank-maintenance", "risk-review"}
	topics   = []string{"topup", "verification-code", "transfer", "refund", "account-locked"}
)

// wallet makes events as a wallet would and hands them in.
type wallet struct {
	house  *acts.House
	intake *event.Intake
	ids    *ids.Source
	now    func() time.Time
}

// make lets something happen to a customer, now; it gives the moment it happened.
func (w *wallet) make(ctx context.Context, h Happening, c *customer.Customer, r *rand.Rand) (time.Time, error) {
	order := ""
	if h.LastOrder {
		var err error
		if order, err = w.unpaid(ctx, c.ID); err != nil {
			return time.Time{}, err
		}
	}
	if order == "" {
		order = "D" + w.ids.Token()[:10]
	}
	at := w.now()
	raw, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": w.ids.Token(), "source": walletSource, "type": h.Type, "subject": c.Ref,
		"time": at.UTC().Format(time.RFC3339Nano), "data": w.data(h, c, order, at, r),
	})
	if err != nil {
		return at, err
	}
	taken, err := w.intake.Accept(ctx, []event.Item{event.DecodeOne(raw, w.intake.Limits())})
	if err != nil {
		return at, err
	}
	for _, no := range taken.Rejected {
		return at, errs.New(errs.Internal, codes.Internal, "the simulated wallet made an event that isn't one: %s", no.Detail)
	}
	return at, nil
}

// data is what the event says.
func (w *wallet) data(h Happening, c *customer.Customer, order string, at time.Time, r *rand.Rand) map[string]any {
	bought := purchases[r.IntN(len(purchases))]
	currency := "CNY"
	if c.Country == "US" {
		currency = "USD"
	}
	amount := bought.fen/2 + r.Int64N(bought.fen)
	if amount < 1000 {
		amount += 1000 // smaller ones aren't followed up
	}
	switch h.Type {
	case eventFailed:
		d := map[string]any{
			"order_id": order, "amount_minor": amount, "currency": currency, "merchant": bought.merchant.In(c.Language),
			"reason": failures[r.IntN(len(failures))], "charged": h.Charged,
		}
		if h.Charged {
			d["refund_by"] = at.AddDate(0, 0, refundDays).UTC().Format(time.RFC3339)
		}
		return d
	case eventPaid:
		return map[string]any{"order_id": order, "amount_minor": amount, "currency": currency, "merchant": bought.merchant.In(c.Language)}
	case eventRefunded:
		return map[string]any{
			"refund_id": "R" + w.ids.Token()[:10], "order_id": order, "amount_minor": amount, "currency": currency,
			"merchant": bought.merchant.In(c.Language),
		}
	case eventLate:
		return map[string]any{"order_id": order, "amount_minor": amount, "currency": currency, "expected_by": at.Add(lateBy).UTC().Format(time.RFC3339)}
	case eventSolved:
		return map[string]any{"ticket_id": "T" + w.ids.Token()[:10], "topic": topics[r.IntN(len(topics))]}
	}
	return map[string]any{"days_waited": r.IntN(3)}
}

// unpaid is the order of the customer's newest follow-up for a failed payment that is
// still open; "" if there is none.
func (w *wallet) unpaid(ctx context.Context, customerID int64) (order string, err error) {
	err = w.house.DB.Read(ctx, func(tx *db.Tx) error {
		order = ""
		all, err := followup.OfCustomer(tx, customerID, followUpsAsked)
		if err != nil {
			return err
		}
		for i := range all {
			if all[i].TriggerType != eventFailed || all[i].State.Final() {
				continue
			}
			var d struct {
				OrderID string `json:"order_id"`
			}
			if err := json.Unmarshal([]byte(all[i].TriggerData), &d); err != nil {
				return err
			}
			order = d.OrderID
			return nil
		}
		return nil
	})
	return order, err
}
