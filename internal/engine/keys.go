package engine

import (
	"encoding/hex"
	"errors"
	"strconv"

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

// vaultSetting holds which vault the database was first used with.
const vaultSetting = "vault-id"

// CheckVault refuses a vault other than the one the database was first used with: of
// everybody in it nothing could be read, as if they had been erased.
func CheckVault(tx *db.Tx, id int64, address string) error {
	own := strconv.FormatInt(id, 10)
	if _, err := tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, vaultSetting, own); err != nil {
		return err
	}
	first, err := setting(tx, vaultSetting)
	if err != nil || first == own {
		return err
	}
	return errs.New(errs.Conflict, codes.VaultGone,
		"the vault %s is not the one this database was used with; put its backup back, or say with `vault` where it lies", address)
}

// VaultUsed says whether a database has been used with some vault.
func VaultUsed(tx *db.Tx) (bool, error) {
	id, err := setting(tx, vaultSetting)
	return id != "", err
}

func keysMark(tx *db.Tx) (string, error) { return setting(tx, keysSetting) }

// setting reads a setting, "" when there is none.
func setting(tx *db.Tx, name string) (value string, err error) {
	err = tx.QueryRow(`SELECT value FROM setting WHERE name = $1`, name).Scan(&value)
	if errors.Is(err, db.ErrNoRows) {
		err = nil
	}
	return value, err
}
