package vault

import (
	"time"

	"github.com/huiyin/huiyin/internal/platform/db"
)

// Subject is the person whose data are given out or erased.
type Subject struct {
	Customer int64
	Ref      string // the wallet's own id
	RefKey   []byte // keyed hash of it
	At       time.Time
	Vault    *Vault
}

// Room is a part of the house that holds data on customers. Either may be nil.
type Room struct {
	Name   string
	Erase  func(tx *db.Tx, s *Subject) error
	Export func(tx *db.Tx, s *Subject) (any, error)
}
