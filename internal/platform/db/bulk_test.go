package db

import "testing"

func TestAStatementForOneRowBecomesOneForMany(t *testing.T) {
	for _, c := range []struct {
		name, query, want string
		types             []string
		text              func(query, rows string) (string, error)
	}{
		{
			"an update says which rows it changed", `UPDATE f SET a = $2, n = n + $3, b = CASE WHEN $2 = '' THEN b ELSE $2 END
		WHERE id = $1 AND s IN ('x', 'y')`,
			`UPDATE f SET a = v.c2, n = n + v.c3, b = CASE WHEN v.c2 = '' THEN b ELSE v.c2 END FROM unnest($1::bigint[], $2::text[], $3::bigint[]) WITH ORDINALITY AS v (c1, c2, c3, row) WHERE id = v.c1 AND s IN ('x', 'y') RETURNING v.row`,
			[]string{"bigint", "text", "bigint"},
			updateText,
		},
		{
			"an insert keeps its constants and its conflict", `INSERT INTO f (id, s, a, b) VALUES ($1, 'new', $2, $2) ON CONFLICT (id) DO NOTHING`,
			`INSERT INTO f (id, s, a, b) SELECT v.c1, 'new', v.c2, v.c2 FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS v (c1, c2, row) ON CONFLICT (id) DO NOTHING`,
			[]string{"bigint", "bytea"},
			insertText,
		},
		{
			"an insert of what a select finds", `INSERT INTO f (id, a) SELECT g.id, $2::text FROM g WHERE g.id = $1 AND NOT g.b`,
			`INSERT INTO f (id, a) SELECT g.id, v.c2::text FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS v (c1, c2, row), g WHERE g.id = v.c1 AND NOT g.b`,
			[]string{"bigint", "text"},
			insertText,
		},
	} {
		got, err := bulkText(c.query, c.types, c.text)
		if err != nil || got != c.want {
			t.Errorf("%s: got\n%s (%v), want\n%s", c.name, got, err, c.want)
		}
	}
	for _, query := range []string{`DELETE FROM f WHERE id = $1`, `UPDATE f SET a = $1`, `INSERT INTO f (a) VALUES (lower($1))`} {
		if got, err := bulkText(query, []string{"text"}, updateText); err == nil {
			t.Errorf("%s became the update %s", query, got)
		}
		if got, err := bulkText(query, []string{"text"}, insertText); err == nil {
			t.Errorf("%s became the insert %s", query, got)
		}
	}
}
