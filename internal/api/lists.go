package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/measure/study"
)

type listIn struct {
	Named
	Body struct {
		List      string    `json:"list" minLength:"1" maxLength:"100" doc:"The list's name; rows of the same list are taken once, however often they are sent"`
		Customers []listRow `json:"customers" nullable:"false" maxItems:"5000"`
	}
}

type listRow struct {
	Customer string         `json:"customer" doc:"The wallet's id"`
	Data     map[string]any `json:"data,omitempty" doc:"What conditions and texts see as trigger.data"`
}

type listOut struct {
	Body struct {
		Taken   int          `json:"taken" doc:"In the log now; who the program takes is followed up"`
		Again   int          `json:"again" doc:"Taken before under this list's name"`
		Refused []rowProblem `json:"refused" nullable:"false"`
	}
}

type assignmentsIn struct {
	Body struct {
		Program string          `json:"program"`
		Rows    []assignmentRow `json:"rows" nullable:"false"`
	}
}

type assignmentRow struct {
	Customer string    `json:"customer" doc:"The wallet's id"`
	Arm      string    `json:"arm"`
	Control  bool      `json:"control,omitempty" doc:"The arm the others are compared with"`
	At       time.Time `json:"at" doc:"When the customer was put in the arm"`
}

type assignmentsOut struct {
	Body struct {
		New     int          `json:"new"`
		Same    int          `json:"same" doc:"In that arm already"`
		Refused []rowProblem `json:"refused" nullable:"false"`
	}
}

// lists registers what is uploaded as rows.
func (a *API) lists() {
	tags := []string{"Lists and assignments"}
	add(a, huma.Operation{
		OperationID: "start-list", Method: http.MethodPost, Path: "/v1/programs/{name}/list", Tags: tags, MaxBodyBytes: batchBytesMax, DefaultStatus: http.StatusAccepted,
		Summary: "Start a program for a list of customers", Description: "At most 5,000 rows at once; longer lists are sent in parts under one name.",
	}, a.startList)
	add(a, huma.Operation{
		OperationID: "import-assignments", Method: http.MethodPost, Path: "/v1/assignments", Tags: tags, MaxBodyBytes: batchBytesMax,
		Summary: "Import who was put in which arm elsewhere", Description: "An arm never changes; assignments come before the events they are measured by.",
	}, a.assign)
}

func (a *API) startList(ctx context.Context, in *listIn) (*listOut, error) {
	rows := make([]engine.ListRow, len(in.Body.Customers))
	for i, r := range in.Body.Customers {
		rows[i] = engine.ListRow{Ref: r.Customer, Data: r.Data}
	}
	res, err := a.House.StartList(ctx, actor(ctx), in.Name, in.Body.List, rows)
	if err != nil {
		return nil, err
	}
	out := &listOut{}
	out.Body.Taken, out.Body.Again, out.Body.Refused = res.Taken, res.Again, []rowProblem{}
	for _, r := range res.Refused {
		out.Body.Refused = append(out.Body.Refused, rowProblemOf(r.Row, r.Err))
	}
	return out, nil
}

func (a *API) assign(ctx context.Context, in *assignmentsIn) (*assignmentsOut, error) {
	rows := make([]study.Assignment, len(in.Body.Rows))
	for i, r := range in.Body.Rows {
		rows[i] = study.Assignment{Ref: r.Customer, Arm: r.Arm, Control: r.Control, At: r.At}
	}
	res, err := a.House.Assign(ctx, actor(ctx), in.Body.Program, rows)
	if err != nil {
		return nil, err
	}
	out := &assignmentsOut{}
	out.Body.New, out.Body.Same, out.Body.Refused = res.New, res.Same, []rowProblem{}
	for _, r := range res.Refused {
		out.Body.Refused = append(out.Body.Refused, rowProblemOf(r.Row, r.Err))
	}
	return out, nil
}
