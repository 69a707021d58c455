package program

import (
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/program/document"
)

// EventType reads a document of kind EventType by itself, for those who judge events without a database.
func EventType(d document.Document) (*event.Type, error) { return eventType(d) }
