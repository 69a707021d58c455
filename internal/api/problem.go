package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

const (
	problemType  = "application/problem+json"
	retryDefault = time.Second
)

// statuses is the one map from kinds of errors to HTTP.
var statuses = map[errs.Kind]int{
	errs.Invalid:      http.StatusBadRequest,
	errs.NotFound:     http.StatusNotFound,
	errs.Conflict:     http.StatusConflict,
	errs.Unauthorized: http.StatusUnauthorized,
	errs.Forbidden:    http.StatusForbidden,
	errs.TooLarge:     http.StatusRequestEntityTooLarge,
	errs.Busy:         http.StatusTooManyRequests,
	errs.Unavailable:  http.StatusServiceUnavailable,
	errs.Internal:     http.StatusInternalServerError,
}

// Problem is an error as RFC 9457 writes it.
type Problem struct {
	Type   string   `json:"type" doc:"urn:huiyin:problem: and the code"`
	Title  string   `json:"title" doc:"The code in words"`
	Status int      `json:"status"`
	Code   string   `json:"code" doc:"Stable, for programs" example:"field-invalid"`
	Detail string   `json:"detail" doc:"What is wrong here, and how to mend it"`
	Path   string   `json:"path,omitempty" doc:"Where: steps[2].when, events[3].time"`
	Errors []Detail `json:"errors,omitempty" doc:"All of them, when there are several"`

	retry time.Duration
	cause error
}

// Detail is one of several errors.
type Detail struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Path   string `json:"path,omitempty"`
}

var (
	_ huma.StatusError       = (*Problem)(nil)
	_ huma.HeadersError      = (*Problem)(nil)
	_ huma.ContentTypeFilter = (*Problem)(nil)
)

func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of problem details.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders says when to come back, and how to sign in.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		wait := max(p.retry, retryDefault)
		h.Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="huiyin"`)
	}
	return h
}

// problemOf writes an error for who asked. Errors of the machinery tell nothing of themselves.
func problemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		err = errs.New(errs.Unavailable, codes.Busy, "the request was given up before it was done; send it again").Because(err)
	}
	list := document.All(err)
	first := list[0]
	if first.Kind == errs.Internal || statuses[first.Kind] == 0 {
		return &Problem{
			Type: problemURN(codes.Internal), Title: codes.Sentence(codes.Internal, codes.English), Status: http.StatusInternalServerError,
			Code: codes.Internal, Detail: "something went wrong on our side; it has been recorded, and nothing of this request was acknowledged", cause: err,
		}
	}
	p = &Problem{
		Type: problemURN(first.Code), Title: codes.Sentence(first.Code, codes.English), Status: statuses[first.Kind],
		Code: first.Code, Detail: first.Text, Path: first.Path, retry: first.RetryAfter, cause: err,
	}
	if first.Code == codes.MethodNotAllowed {
		p.Status = http.StatusMethodNotAllowed
	}
	if len(list) > 1 {
		for _, e := range list {
			p.Errors = append(p.Errors, Detail{Code: e.Code, Detail: e.Text, Path: e.Path})
		}
	}
	return p
}

func problemURN(code string) string { return "urn:huiyin:problem:" + code }

// What huma finds wrong with a request takes our form too.
func init() {
	huma.NewError = func(status int, message string, found ...error) huma.StatusError {
		return requestProblem(status, message, found)
	}
}

func requestProblem(status int, message string, found []error) *Problem {
	code := codes.FieldInvalid
	switch status {
	case http.StatusUnprocessableEntity:
		status = http.StatusBadRequest // one status for requests that can't be right
	case http.StatusRequestEntityTooLarge:
		code = codes.BodyTooLarge
	case http.StatusUnsupportedMediaType:
		code = codes.ContentTypeUnknown
	case http.StatusInternalServerError:
		code, message, found = codes.Internal, "something went wrong on our side; it has been recorded", nil
	}
	p := &Problem{Status: status, Detail: message}
	for _, e := range found {
		d := Detail{Code: code, Detail: e.Error()}
		var typed huma.ErrorDetailer
		if errors.As(e, &typed) {
			inner := typed.ErrorDetail()
			d.Detail, d.Path = inner.Message, strings.TrimPrefix(inner.Location, "body.")
			switch {
			case strings.Contains(inner.Message, "unexpected property"):
				d.Code = codes.FieldUnknown
			case strings.Contains(inner.Message, "expected required"):
				d.Code = codes.FieldMissing
			case inner.Location == "body":
				d.Code = codes.MalformedJSON
			}
		}
		p.Errors = append(p.Errors, d)
	}
	p.Code = code
	if len(p.Errors) > 0 {
		p.Code, p.Detail, p.Path = p.Errors[0].Code, p.Errors[0].Detail, p.Errors[0].Path
	}
	if len(p.Errors) == 1 {
		p.Errors = nil
	}
	p.Type, p.Title = problemURN(p.Code), codes.Sentence(p.Code, codes.English)
	return p
}
