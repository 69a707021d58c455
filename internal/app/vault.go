package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// What a vault is called beside the house's database, unless the settings say otherwise.
const (
	vaultFileSuffix = ".vault" // of a file
	vaultNameSuffix = "_vault" // of a database on a server
	vaultMode       = 0o600    // of the file
)

// VaultAddress is where the vault lies: where the settings say, else beside the house's
// database, and never in it.
func (c *Config) VaultAddress() (string, error) {
	switch {
	case c.Vault != "" && c.Vault == c.Database:
		return "", errs.New(errs.Invalid, codes.SettingInvalid, "the vault must lie in a database of its own: a backup of the house's would hold the keys to itself").At("vault")
	case c.Vault != "":
		return c.Vault, nil
	case c.Database == sqliteMemory:
		return sqliteMemory, nil
	case !db.IsPostgres(c.Database):
		return c.Database + vaultFileSuffix, nil
	}
	u, err := url.Parse(c.Database)
	if err != nil || strings.Trim(u.Path, "/") == "" {
		return "", errs.New(errs.Invalid, codes.SettingInvalid, "say with `vault` which database holds the vault: the address of the house's names no database to stand beside").At("vault")
	}
	u.Path += vaultNameSuffix
	return u.String(), nil
}

// openVault opens the vault and makes it when the database is new. A database that was used
// with another vault, or whose vault is gone, is refused: all its customers would look erased.
func (a *App) openVault(ctx context.Context) error {
	address, err := a.Config.VaultAddress()
	if err != nil {
		return err
	}
	var used bool
	err = a.DB.Read(ctx, func(tx *db.Tx) (err error) {
		used, err = engine.VaultUsed(tx)
		return err
	})
	if err != nil {
		return err
	}
	if err := ready(ctx, address, a.Config.Database, used); err != nil {
		return err
	}
	d, err := db.Open(ctx, address, db.Options{Clock: a.Options.Clock})
	if err != nil {
		return vaultGone(address, err)
	}
	if a.Vault, err = vault.New(ctx, vault.Config{DB: d, Keys: a.Keys, IDs: a.IDs, Clock: a.Clock, Random: a.Options.Random}); err != nil {
		return errors.Join(vaultGone(address, err), d.Close())
	}
	return a.DB.Write(ctx, db.Outcome, "check-vault", func(tx *db.Tx) error {
		return engine.CheckVault(tx, a.Vault.ID(), withoutPassword(address))
	})
}

// ready makes room for a new vault, and says so when an old one isn't there any more.
func ready(ctx context.Context, address, beside string, used bool) error {
	if path, lite := strings.CutPrefix(address, sqlitePrefix); lite && address != sqliteMemory {
		_, err := os.Stat(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if used {
			return errs.New(errs.Unavailable, codes.VaultGone,
				"this database was used with a vault, and there is none at %s; put its backup back, or say with `vault` where it lies", path)
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, vaultMode)
		if err != nil {
			return errs.New(errs.Unavailable, codes.VaultGone, "the vault can't be made at %s; check who may write there", path).Because(err)
		}
		return f.Close()
	}
	if used || !db.IsPostgres(address) {
		return nil
	}
	if err := db.CreateBeside(ctx, address, beside); err != nil {
		return errs.New(errs.Unavailable, codes.VaultGone,
			"the vault needs a database of its own and it can't be made; as its owner run CREATE DATABASE for %s, or say with `vault` where another lies", withoutPassword(address)).Because(err)
	}
	return nil
}

func vaultGone(address string, err error) error {
	if e, ours := errs.As(err); ours && e.Code != codes.DatabaseGone {
		return err
	}
	return errs.New(errs.Unavailable, codes.VaultGone, "the vault %s can't be opened; check that its database runs and that you may use it", withoutPassword(address)).Because(fmt.Errorf("vault: %w", err))
}
