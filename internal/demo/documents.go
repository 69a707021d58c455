package demo

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"

	"github.com/huiyin/huiyin/internal/program/document"
)

//go:embed documents/*.yaml
var documentFiles embed.FS

// Programs are the sample programs, in the order in which the pages show them.
var Programs = []string{"failed-payment", "late-transfer", "after-ticket", "welcome"}

// Documents are the sample documents.
func Documents() ([]document.Document, error) {
	names, err := fs.Glob(documentFiles, "documents/*.yaml")
	if err != nil {
		return nil, err
	}
	var all []document.Document
	for _, n := range names {
		text, err := documentFiles.ReadFile(n)
		if err != nil {
			return nil, err
		}
		docs, err := document.Parse(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n, err)
		}
		all = append(all, docs...)
	}
	return all, nil
}
