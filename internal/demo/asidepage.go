package demo

import (
	"strconv"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

const asideListed = 50

// asidePage lists what waits for a person.
type asidePage struct {
	Rows []asideRow
	Lose bool // the next mail's acknowledgement will be lost
}

type asideRow struct {
	acts.Aside
	Title document.Text
}

func (d *Demo) setAside(q *request) (any, error) {
	all, err := d.House.ListAside(q.Context(), 0, asideListed)
	if err != nil {
		return nil, err
	}
	set, err := d.shelf(q.Context())
	if err != nil {
		return nil, err
	}
	p := &asidePage{Lose: d.Mailbox.Losing()}
	for i := range all {
		p.Rows = append(p.Rows, asideRow{Aside: all[i], Title: set.titles[all[i].Program]})
	}
	return p, nil
}

// endAside carries out what somebody found out.
func (d *Demo) endAside(q *request) (string, error) {
	id, err := strconv.ParseInt(q.PathValue("id"), 10, 64)
	if err != nil {
		return "", errs.New(errs.NotFound, codes.NotFound, "there is no follow-up %q", q.PathValue("id"))
	}
	if err := d.House.EndAside(q.Context(), actor, id, engine.Verdict(q.PostFormValue("verdict")), q.PostFormValue("reason")); err != nil {
		return "", err
	}
	return "/follow-ups/" + strconv.FormatInt(id, 10), nil
}
