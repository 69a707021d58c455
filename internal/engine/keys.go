package engine

import (
	"encoding/hex"
	"errors"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// keysSetting holds what tells the house's keys from others, and nothing of the keys.
const keysSetting = "keys-mark"

// KeysUsed says whether a database has been used with some keys.
func KeysUsed(tx *db.Tx) (bool, error) {
	mark, err := keysMark(tx)
	return mark != "", err
}

// CheckKeys refuses keys other than those the database was first used with.
func CheckKeys(tx *db.Tx, keys *crypt.Keyring, path string) error {
	own := hex.EncodeToString(keys.MAC(keysSetting)[:16])
	if _, err := tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, keysSetting, own); err != nil {
		return err
	}
	mark, err := keysMark(tx)
	if err != nil || mark == own {
		return err
	}
	return errs.New(errs.Conflict, codes.KeyFileOther,
		"the key file %s is not the one this database was used with; with it every link already sent would be dead: give the right one as keys_file", path)
}

func keysMark(tx *db.Tx) (mark string, err error) {
	err = tx.QueryRow(`SELECT value FROM setting WHERE name = $1`, keysSetting).Scan(&mark)
	if errors.Is(err, db.ErrNoRows) {
		err = nil
	}
	return mark, err
}
