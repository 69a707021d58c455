package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/measure/report"
)

const (
	svgType = "image/svg+xml"
	pngType = "image/png"
)

// QuestionnaireIn names a questionnaire.
type QuestionnaireIn struct {
	Name string `path:"name" doc:"The questionnaire's name"`
}

type linkOut struct {
	Body struct {
		Link string `json:"link" doc:"Where everybody answers it"`
	}
}

type codeIn struct {
	QuestionnaireIn
	Format string `query:"format" enum:"svg,png" default:"svg"`
	Scale  int    `query:"scale" minimum:"1" maximum:"64" default:"8" doc:"Pixels of a PNG to each of the code's squares"`
}

type codeOut struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

type publicReportIn struct {
	QuestionnaireIn
	From string `query:"from" doc:"First day, by UTC: 2026-11-01; absent: from the beginning" format:"date"`
	To   string `query:"to" doc:"Last day; absent: today" format:"date"`
}

type publicReportOut struct{ Body *report.Public }

// questionnaires registers what is done with questionnaires that are open to everybody.
func (a *API) questionnaires() {
	tags := []string{"Questionnaires"}
	add(a, huma.Operation{
		OperationID: "get-public-link", Method: http.MethodGet, Path: "/v1/questionnaires/{name}/link", Tags: tags,
		Summary: "Where everybody answers a public questionnaire", Description: "Public is what has `publish: {public: true}` in its document.",
	}, func(ctx context.Context, in *QuestionnaireIn) (*linkOut, error) {
		out := &linkOut{}
		var err error
		out.Body.Link, err = a.House.PublicLink(ctx, in.Name)
		return out, err
	})
	picture := map[string]*huma.MediaType{svgType: {Schema: &huma.Schema{Type: huma.TypeString}}, pngType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	add(a, huma.Operation{
		OperationID: "get-public-qr", Method: http.MethodGet, Path: "/v1/questionnaires/{name}/qr", Tags: tags,
		Summary: "The public link as a QR code, to print or to show", Responses: map[string]*huma.Response{"200": {Description: "The code", Content: picture}},
	}, a.publicCode)
	add(a, huma.Operation{
		OperationID: "get-public-report", Method: http.MethodGet, Path: "/v1/questionnaires/{name}/report", Tags: tags,
		Summary: "What came by the public link", Description: "These answers belong to no customer and no program; no program's report holds them.",
	}, func(ctx context.Context, in *publicReportIn) (*publicReportOut, error) {
		from, err := dayOf("query.from", in.From)
		if err != nil {
			return nil, err
		}
		to, err := dayOf("query.to", in.To)
		if err != nil {
			return nil, err
		}
		r, err := a.House.PublicReport(ctx, in.Name, from, to)
		return &publicReportOut{Body: r}, err
	})
}

func (a *API) publicCode(ctx context.Context, in *codeIn) (*codeOut, error) {
	code, err := a.House.PublicCode(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	if in.Format == "png" {
		picture, err := code.PNG(in.Scale)
		return &codeOut{ContentType: pngType, Body: picture}, err
	}
	return &codeOut{ContentType: svgType, Body: code.SVG()}, nil
}
