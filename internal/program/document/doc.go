// Package document reads and writes the YAML documents people describe the
// house with: programs, questionnaires, templates, segments and the rest.
//
// Parse splits a file into documents, each with its kind, its name and its YAML
// node; Decode turns a node into a Go value and refuses what it doesn't know,
// naming the line and the nearest right key; Encode writes a node back without
// losing a comment, so apply, get, apply changes nothing.
//
// It knows the shape that all documents share, and not what a program or a
// template means: every kind is decoded and judged by the package that owns it.
// It touches no files and no database.
package document
