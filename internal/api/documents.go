package api

import (
	"bytes"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/program/document"
)

const yamlType = "application/yaml"

type documentsIn struct {
	DryRun  bool   `query:"dry_run" doc:"Judge and tell, and change nothing"`
	Publish bool   `query:"publish" doc:"Publish the programs among them too"`
	RawBody []byte `contentType:"application/yaml" required:"true"`
}

type changeDoc struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Change  string `json:"change" enum:"created,changed,restyled,unchanged"`
	Version int    `json:"version"`
}

type publicationDoc struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
}

type documentsOut struct {
	Body struct {
		Changes   []changeDoc      `json:"changes" nullable:"false"`
		Published []publicationDoc `json:"published" nullable:"false"`
		Warnings  []string         `json:"warnings,omitempty" doc:"What will keep messages of the published programs from being sent"`
		DryRun    bool             `json:"dry_run"`
	}
}

type KindIn struct {
	Kind string `path:"kind" doc:"Program, Questionnaire, Template, Script, Segment, EventType, CapPolicy or RulePack"`
}

type documentIn struct {
	KindIn
	Name string `path:"name"`
}

type documentHead struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

type documentList struct {
	Body struct {
		Documents []documentHead `json:"documents" nullable:"false"`
	}
}

type yamlOut struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// documents registers what the house is described with.
func (a *API) documents() {
	tags := []string{"Documents"}
	add(a, huma.Operation{
		OperationID: "apply-documents", Method: http.MethodPost, Path: "/v1/documents", Tags: tags, MaxBodyBytes: documentsBytesMax,
		Summary: "Take documents in", Description: "YAML, several parted by ---. All or none is taken, as drafts unless publish is set. Every mistake is named with its line.",
	}, a.apply)
	add(a, huma.Operation{
		OperationID: "list-documents", Method: http.MethodGet, Path: "/v1/documents/{kind}", Tags: tags, Summary: "List the documents of a kind",
	}, a.listDocuments)
	add(a, huma.Operation{
		OperationID: "get-document", Method: http.MethodGet, Path: "/v1/documents/{kind}/{name}", Tags: tags,
		Summary: "Read a document as YAML", Description: "In its newest version, comments included.",
		Responses: map[string]*huma.Response{"200": {Description: "The document", Content: map[string]*huma.MediaType{yamlType: {Schema: &huma.Schema{Type: huma.TypeString}}}}},
	}, a.getDocument)
}

func (a *API) apply(ctx context.Context, in *documentsIn) (*documentsOut, error) {
	docs, err := document.Parse(bytes.NewReader(in.RawBody))
	if err != nil {
		return nil, err
	}
	done, err := a.House.Apply(ctx, actor(ctx), docs, in.DryRun, in.Publish)
	if err != nil {
		return nil, err
	}
	out := &documentsOut{}
	out.Body.Changes, out.Body.Published, out.Body.DryRun = []changeDoc{}, []publicationDoc{}, in.DryRun
	for _, c := range done.Changes {
		out.Body.Changes = append(out.Body.Changes, changeDoc{c.Kind, c.Name, c.Act, c.Version})
	}
	out.Body.Warnings = done.Warnings
	for _, p := range done.Published {
		out.Body.Published = append(out.Body.Published, publicationDoc(p))
	}
	return out, nil
}

func (a *API) listDocuments(ctx context.Context, in *KindIn) (*documentList, error) {
	docs, err := a.House.Documents(ctx, in.Kind, "")
	if err != nil {
		return nil, err
	}
	out := &documentList{}
	out.Body.Documents = []documentHead{}
	for _, d := range docs {
		out.Body.Documents = append(out.Body.Documents, documentHead{d.Kind, d.Name})
	}
	return out, nil
}

func (a *API) getDocument(ctx context.Context, in *documentIn) (*yamlOut, error) {
	docs, err := a.House.Documents(ctx, in.Kind, in.Name)
	if err != nil {
		return nil, err
	}
	text, err := document.Encode(docs...)
	return &yamlOut{ContentType: yamlType, Body: text}, err
}
