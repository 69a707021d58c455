package acts

import (
	"context"
	"fmt"
	"strconv"

	"github.com/huiyin/huiyin/internal/people/staff"
	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// CreateKey makes an API key and gives its secret, which can't be shown again.
func (h *House) CreateKey(ctx context.Context, actor string, k staff.Key) (secret string, made staff.Key, err error) {
	err = h.DB.Write(ctx, db.First, "create-key", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if k.Signs() {
			secret, made, err = staff.CreateSigning(tx, h.IDs, h.Keys, k, now)
		} else {
			secret, made, err = staff.Create(tx, h.IDs, k, now)
		}
		if err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: actor, Act: "key.create", Object: "key/" + strconv.FormatInt(made.ID, 10), Detail: fmt.Sprintf("%s: %v", made.Name, made.Scopes),
		})
	})
	return secret, made, err
}

// ListKeys lists keys after an id, revoked ones too.
func (h *House) ListKeys(ctx context.Context, after int64, limit int) (all []staff.Key, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		all, err = staff.List(tx, after, limit)
		return err
	})
	return all, err
}

// RevokeKey ends a key.
func (h *House) RevokeKey(ctx context.Context, actor string, id int64) error {
	err := h.DB.Write(ctx, db.First, "audit-key", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if err := staff.Revoke(tx, id, now); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: actor, Act: "key.revoke", Object: "key/" + strconv.FormatInt(id, 10)})
	})
	if err != nil {
		return err
	}
	return h.APIKeys.Revoke(ctx, id) // again, so that this node forgets it too
}
