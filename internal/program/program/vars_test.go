package program

import (
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/template"
)

func varsFor(data string) template.Vars {
	return template.Vars{
		Channel: "inapp", Languages: []string{"zh-CN"}, Hotline: "400",
		Facts: condition.Vars{Trigger: &event.Event{Type: "wallet.topup.late", Data: []byte(data)}},
	}
}
