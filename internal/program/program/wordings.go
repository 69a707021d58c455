package program

import (
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/wording"
)

func compileWording(d document.Document, version int) (wording.Wording, error) {
	var def wording.Definition
	if err := document.Decode(d.Node, &def); err != nil {
		return wording.Wording{}, d.Locate(err)
	}
	w, err := wording.Compile(d.Name, version, &def)
	return w, d.Locate(err)
}

// Wordings is what is said about each purpose now: the house's own words, and the kit's
// where it has none.
func Wordings(tx *db.Tx) ([]wording.Wording, error) {
	own, err := db.All(tx, scanEntry, `SELECT d.id, d.kind, d.name, d.version, d.body FROM document d WHERE d.kind = $1
		AND d.version = (SELECT max(v.version) FROM document v WHERE v.kind = d.kind AND v.name = d.name)`, document.KindWording)
	if err != nil {
		return nil, err
	}
	all := wording.Builtin()
	for i := range all {
		for _, e := range own {
			if e.doc.Name != all[i].Purpose {
				continue
			}
			if all[i], err = compileWording(e.doc, e.version); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// Wording gives the version a reference names, however old.
func Wording(tx *db.Tx, ref string) (wording.Wording, error) {
	purpose, version, ours, ok := wording.ParseRef(ref)
	if ok && ours {
		if w, found := wording.Find(purpose, version); found {
			return w, nil
		}
	}
	if ok && !ours {
		list, err := db.All(tx, scanEntry, `SELECT id, kind, name, version, body FROM document WHERE kind = $1 AND name = $2 AND version = $3`,
			document.KindWording, purpose, version)
		if err != nil {
			return wording.Wording{}, err
		}
		if len(list) == 1 {
			return compileWording(list[0].doc, version)
		}
	}
	return wording.Wording{}, errs.New(errs.NotFound, codes.ReferenceUnknown,
		"there is no wording `%.60s`; `GET /v1/wordings` lists those that hold now, such as huiyin:marketing@1", ref)
}
