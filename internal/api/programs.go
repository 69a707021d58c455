package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/measure/report"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

type Named struct {
	Name string `path:"name" doc:"The program's name"`
}

type programDoc struct {
	Name      string     `json:"name"`
	State     string     `json:"state" enum:"draft,running,paused,stopped"`
	Version   int        `json:"version" doc:"The published one; 0: none yet"`
	Published *time.Time `json:"published,omitempty"`
}

type programsOut struct {
	Body struct {
		Programs []programDoc `json:"programs" nullable:"false"`
	}
}

type publishedOut struct {
	Body publicationDoc
}

type reportIn struct {
	Named
	From string `query:"from" doc:"First day, by UTC: 2026-11-01; absent: from the beginning" format:"date"`
	To   string `query:"to" doc:"Last day; absent: today" format:"date"`
}

type reportOut struct{ Body *report.Report }

type explainIn struct {
	Named
	Customer string `query:"customer" required:"true" maxLength:"128" doc:"The wallet's id of the customer"`
}

type explainOut struct{ Body *report.Explanation }

// programs registers what is done with programs, and what came of them.
func (a *API) programs() {
	tags := []string{"Programs"}
	add(a, huma.Operation{
		OperationID: "list-programs", Method: http.MethodGet, Path: "/v1/programs", Tags: tags, Summary: "List the programs",
	}, a.listPrograms)
	add(a, huma.Operation{
		OperationID: "publish-program", Method: http.MethodPost, Path: "/v1/programs/{name}/publish", Tags: tags,
		Summary: "Publish a program's newest draft", Description: "Follow-ups under way keep the version they began with.",
	}, a.publish)
	for _, turn := range []struct {
		word, summary string
		fn            func(ctx context.Context, actor, name string) error
	}{
		{"pause", "Hold a program: nobody is contacted until it is resumed", a.House.Pause},
		{"resume", "Let a paused program go on", a.House.Resume},
		{"stop", "End a program; its open follow-ups are cancelled", a.House.Stop},
	} {
		add(a, huma.Operation{
			OperationID: turn.word + "-program", Method: http.MethodPost, Path: "/v1/programs/{name}/" + turn.word, Tags: tags,
			Summary: turn.summary, DefaultStatus: http.StatusNoContent,
		}, func(ctx context.Context, in *Named) (*nothing, error) {
			return &nothing{}, turn.fn(ctx, actor(ctx), in.Name)
		})
	}
	add(a, huma.Operation{
		OperationID: "program-report", Method: http.MethodGet, Path: "/v1/programs/{name}/report", Tags: tags,
		Summary: "What came of a program", Description: "Funnel, reasons, scores with their intervals, and effect against who was held out. Each figure carries its definition.",
	}, a.report)
	add(a, huma.Operation{
		OperationID: "explain", Method: http.MethodGet, Path: "/v1/programs/{name}/explain", Tags: tags,
		Summary: "Why a customer was, or wasn't, contacted by a program",
	}, a.explain)
}

func (a *API) listPrograms(ctx context.Context, _ *nothing) (*programsOut, error) {
	all, err := a.House.Programs(ctx)
	if err != nil {
		return nil, err
	}
	out := &programsOut{}
	out.Body.Programs = []programDoc{}
	for _, p := range all {
		d := programDoc{Name: p.Name, State: p.State, Version: p.Version}
		if !p.Published.IsZero() {
			at := p.Published
			d.Published = &at
		}
		out.Body.Programs = append(out.Body.Programs, d)
	}
	return out, nil
}

func (a *API) publish(ctx context.Context, in *Named) (*publishedOut, error) {
	version, err := a.House.Publish(ctx, actor(ctx), in.Name)
	return &publishedOut{Body: publicationDoc{in.Name, version}}, err
}

func (a *API) report(ctx context.Context, in *reportIn) (*reportOut, error) {
	from, err := dayOf("query.from", in.From)
	if err != nil {
		return nil, err
	}
	to, err := dayOf("query.to", in.To)
	if err != nil {
		return nil, err
	}
	r, err := a.House.Report(ctx, in.Name, from, to)
	return &reportOut{Body: r}, err
}

func dayOf(path, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, errs.New(errs.Invalid, codes.FieldInvalid, "%.40q is no day; write it as 2026-11-01", text).At(path)
	}
	return t, nil
}

func (a *API) explain(ctx context.Context, in *explainIn) (*explainOut, error) {
	e, err := a.House.Explain(ctx, in.Name, in.Customer)
	return &explainOut{Body: e}, err
}
