package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
)

func TestExitCodesTellFailuresFromMisuse(t *testing.T) {
	p := newPlace(t, "")
	p.must("migrate")
	for _, c := range []struct {
		args string
		want int
	}{
		{"version", 0},
		{"--help", 0},
		{"program list", 0},
		{"get Program", 0},
		{"key list", 0},
		{"set-aside list", 0},
		{"nonsense", 2},
		{"serve extra", 2},
		{"serve --lissten x", 2},
		{"get", 2},
		{"apply", 2},
		{"import list x.csv", 2},
		{"set-aside end 1", 2},
		{"set-aside end one --verdict end", 2},
		{"key create", 2},
		{"key create x", 2},
		{"report x --from yesterday", 2},
		{"key create x --scope everything", 1},
		{"report nothing", 1},
		{"program publish nothing", 1},
		{"get Progrm", 1},
		{"apply -f nowhere.yaml", 1},
		{"import customers nowhere.csv", 1},
		{"set-aside end 1 --verdict end --reason x", 1},
		{"program list --database sqlite:nowhere.db", 1},
	} {
		t.Run(c.args, func(t *testing.T) {
			r := p.huiyin(strings.Fields(c.args)...)
			if r.code != c.want {
				t.Errorf("exit %d, want %d: %s%s", r.code, c.want, r.out, r.complaints)
			}
			if c.want != 0 && !strings.HasPrefix(r.complaints, "huiyin: ") {
				t.Errorf("it says %q", r.complaints)
			}
		})
	}
	if _, err := os.Stat("nowhere.db"); err == nil {
		t.Error("a command that only asks made a database")
	}
}

func TestDocumentsComeBackAsTheyWentIn(t *testing.T) {
	eachEngine(t, func(t *testing.T, p *place) {
		text := "# why this house is as it is\n" + strings.ReplaceAll(documents, "CHANNEL", "email")
		file := p.write("house.yaml", text)
		if r := p.must("apply", "-f", file, "--dry-run"); !strings.Contains(r.out, "created") {
			t.Errorf("%s", r.out)
		}
		if r := p.must("get", "all"); r.out != "" {
			t.Errorf("a dry run left %s", r.out)
		}
		p.must("apply", "-f", file)
		back := p.must("get", "all").out
		if !strings.Contains(back, "# why this house is as it is") {
			t.Errorf("the comment is lost:\n%s", back)
		}
		r := p.feed(back, "apply", "-f", "-", "--json")
		if r.code != 0 || strings.Contains(r.out, "created") || strings.Contains(r.out, "changed  ") && !strings.Contains(r.out, "unchanged") {
			t.Errorf("exit %d: %s%s", r.code, r.out, r.complaints)
		}
		if again := p.must("get", "all").out; again != back {
			t.Errorf("applying what was given changed it")
		}
		r = p.huiyin("apply", "-f", file, "--publish") // no channel is connected
		if r.code != 1 || !strings.Contains(r.complaints, "email") {
			t.Errorf("exit %d: %s", r.code, r.complaints)
		}
		folder := filepath.Join(p.folder, "documents")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		for i, one := range strings.Split(text, "---\n") {
			if err := os.WriteFile(filepath.Join(folder, string(rune('a'+i))+".yaml"), []byte(one), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		p.must("apply", "-f", folder)
		p.write("documents/b.yaml", "kind: Segment\nname: vip\nwhn: customer.age > 3\n")
		r = p.huiyin("apply", "-f", folder)
		if r.code != 1 || !strings.Contains(r.complaints, "`when`") {
			t.Errorf("exit %d: %s", r.code, r.complaints)
		}
	})
}

// report of an import, as --json prints it.
type importReport struct {
	Rows, Taken, Again, Refused int
	Reasons                     map[string]int
	First                       []struct {
		Line       int
		Code, Path string
	}
}

func TestCustomersAreImportedFromFilesAsPeopleSaveThem(t *testing.T) {
	eachEngine(t, func(t *testing.T, p *place) {
		text := "客户号,姓名,国家,时区,手机号,邮箱\nu1,张三,CN,Asia/Shanghai,139 1234 5678,zhang@example.com\nu2,\"李四,CN,Asia/Shanghai,,\nu3,王五,CN,Mars/Base,,\nu4,赵六,CN,Asia/Shanghai,13800000000,\n"
		gbk, err := simplifiedchinese.GBK.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		refused := filepath.Join(p.folder, "refused.ndjson")
		r := p.must("import", "customers", p.write("gbk.csv", gbk), "--json", "--refused", refused)
		got := object[importReport](t, []byte(r.last()))
		if got.Rows != 4 || got.Taken != 2 || got.Refused != 2 || len(got.First) != 2 || got.First[0].Line != 3 || got.First[1].Line != 4 || got.First[1].Path != "zones[0]" {
			t.Errorf("%s%s", r.last(), r.complaints)
		}
		if lines, err := os.ReadFile(refused); err != nil || strings.Count(string(lines), "\n") != 2 {
			t.Errorf("%v %s", err, lines)
		}
		r = p.must("import", "customers", p.write("bom.csv", "\xef\xbb\xbf"+strings.ReplaceAll(text, "\n", "\r\n")), "--json")
		if got := object[importReport](t, []byte(r.last())); got.Again != 2 || got.Taken != 0 {
			t.Errorf("the same again: %s", r.last())
		}
		r = p.feed(`{"id":"u5","name":"孙七","points":[{"channel":"email","address":"sun@example.com"}]}`+"\n{\"id\":\n", "import", "customers", "-", "--json")
		if got := object[importReport](t, []byte(r.last())); r.code != 0 || got.Taken != 1 || got.Reasons["malformed-json"] != 1 {
			t.Errorf("exit %d: %s", r.code, r.last())
		}
		r = p.huiyin("import", "customers", p.write("cols.csv", "id,nmae\nu1,x\n"))
		if r.code != 1 || !strings.Contains(r.complaints, "`name`") {
			t.Errorf("exit %d: %s", r.code, r.complaints)
		}
		r = p.huiyin("import", "customers", p.write("book.xlsx", "PK"))
		if r.code != 1 || !strings.Contains(r.complaints, "CSV") {
			t.Errorf("exit %d: %s", r.code, r.complaints)
		}
	})
}

func TestEventsAreImportedOnceAndCheckedWithoutADatabase(t *testing.T) {
	eachEngine(t, func(t *testing.T, p *place) {
		var lines strings.Builder
		for _, id := range []string{"1", "2", "3"} {
			lines.Write(encode(t, failed(id, "ann")))
			lines.WriteByte('\n')
		}
		old := failed("old", "ann")
		old["time"] = "1970-01-01T00:00:00Z"
		lines.Write(encode(t, old))
		file := p.write("events.ndjson", lines.String()+"\nnonsense\n")
		r := p.must("import", "events", file, "--json")
		if got := object[importReport](t, []byte(r.last())); got.Taken != 3 || got.Refused != 2 || got.Reasons["event-time-out-of-range"] != 1 || got.Reasons["malformed-json"] != 1 {
			t.Errorf("%s", r.last())
		}
		if got := object[importReport](t, []byte(p.must("import", "events", file, "--json").last())); got.Taken != 0 || got.Again != 3 {
			t.Errorf("again: %+v", got)
		}
		nowhere := runCommand(t, nil, "", "events", "check", file, "--json", "--database", "sqlite:/nowhere/at.all")
		if got := object[importReport](t, []byte(nowhere.last())); nowhere.code != 1 || got.Taken != 3 || got.Refused != 2 {
			t.Errorf("exit %d: %s%s", nowhere.code, nowhere.out, nowhere.complaints)
		}
	})
}

func TestAListIsStartedOnceUnderItsName(t *testing.T) {
	p := newPlace(t, "")
	mails := p.mailServer()
	p.publish("email")
	listed := strings.Replace(documents[strings.LastIndex(documents, "kind: Program"):], "name: failed-payment", "name: called-up", 1)
	from, to := strings.Index(listed, "trigger:\n"), strings.Index(listed, "deadline:")
	listed = listed[:from] + "trigger: {list: true}\n" + listed[to:]
	listed = strings.ReplaceAll(listed, "  - {channel: CHANNEL, purpose: notice, template: told, wait: 0s}\n", "")
	p.must("apply", "-f", p.write("list.yaml", strings.ReplaceAll(listed, "CHANNEL", "email")), "--publish")
	p.feed("id,name,country,zones,email\nann,Anna,CN,Asia/Shanghai,ann@example.com\n", "import", "customers", "-")
	file := p.write("list.csv", "客户号,生日\nann,5-01\nnew,5-02\n")
	if got := object[importReport](t, []byte(p.must("import", "list", file, "--program", "called-up", "--json").last())); got.Taken != 2 {
		t.Fatalf("%+v", got)
	}
	if got := object[importReport](t, []byte(p.must("import", "list", file, "--program", "called-up", "--json").last())); got.Taken != 0 || got.Again != 2 {
		t.Errorf("again: %+v", got)
	}
	p.serve()
	until(t, "ann's mail", func() bool { return len(mails()) == 1 })
	if r := p.huiyin("import", "list", file, "--program", "failed-payment"); r.code != 1 || !strings.Contains(r.complaints, "list") {
		t.Errorf("exit %d: %s", r.code, r.complaints)
	}
}

func TestAKeyIsShownOnceAndCanBeRevoked(t *testing.T) {
	p := newPlace(t, "")
	r := p.must("key", "create", "wallet", "--scope", "events-write,customers-write", "--expires", "90d")
	if !strings.HasPrefix(r.last(), "hy_") || strings.Contains(r.last(), " ") {
		t.Errorf("the last line is %q", r.last())
	}
	list := p.must("key", "list").out
	if !strings.Contains(list, "valid") || strings.Contains(list, r.last()) {
		t.Errorf("%s", list)
	}
	p.must("key", "revoke", strings.Fields(list)[0])
	if list := p.must("key", "list").out; !strings.Contains(list, "revoked") {
		t.Errorf("%s", list)
	}
}

func TestTheDoctorNamesWhatIsWrongAndHowToMendIt(t *testing.T) {
	eachEngine(t, func(t *testing.T, p *place) {
		p.mailServer()
		p.must("migrate")
		type report struct {
			Health string
			Checks []struct{ Check, Health, Found, Mend string }
		}
		look := func(want int) map[string]string {
			r := p.huiyin("doctor", "--json")
			if r.code != want {
				t.Fatalf("exit %d: %s%s", r.code, r.out, r.complaints)
			}
			health := map[string]string{}
			for _, c := range object[report](t, []byte(r.last())).Checks {
				health[c.Check] = c.Health
				if c.Health != "ok" && c.Mend == "" {
					t.Errorf("%s is %s and nothing says how to mend it: %s", c.Check, c.Health, c.Found)
				}
			}
			return health
		}
		for _, check := range []string{"database", "clock", "disk", "keys", "channel email", "lag", "backlog", "set aside", "programs", "holidays CN"} {
			if h := look(0)[check]; h != "ok" && (h != "warn" || check != "holidays CN" && check != "disk") {
				t.Errorf("%s: %q", check, h)
			}
		}
		if err := os.Chmod(filepath.Join(p.folder, "keys"), 0o644); err != nil {
			t.Fatal(err)
		}
		if h := look(0)["keys"]; h != "warn" {
			t.Errorf("keys everybody may read: %s", h)
		}
		p.settings(map[string]string{"email": "{adapter: smtp, server: \"127.0.0.1:1\", encryption: none, from: a@example.com}"})
		if h := look(1)["channel email"]; h != "fail" {
			t.Errorf("a mail server that isn't there: %s", h)
		}
	})
}

func TestSettingsComeFromTheEnvironmentToo(t *testing.T) {
	p := newPlace(t, "")
	p.must("migrate")
	env := []string{"HUIYIN_DATABASE=" + p.database, "HUIYIN_KEYS_FILE=" + filepath.Join(p.folder, "keys"), "HUIYIN_WALET__HOTLINE=1", "HUIYIN_CHANNELS__EMAIL__ADAPTER=smtp", "HUIYIN_CHANNELS__EMAIL__SERVER=127.0.0.1:1", "HUIYIN_CHANNELS__EMAIL__FROM=a@example.com"}
	r := runCommand(t, env, "", "doctor", "--json")
	for _, want := range []string{"HUIYIN_WALET__HOTLINE", "did you mean HUIYIN_WALLET__HOTLINE", `"check":"channel email","health":"fail"`} {
		if !strings.Contains(r.last(), want) {
			t.Errorf("nothing says %q: %s%s", want, r.out, r.complaints)
		}
	}
}

func TestABenchPrintsOneObjectOnItsLastLine(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TRIED in short mode: it takes some seconds")
	}
	p := newPlace(t, "")
	r := p.must("bench", "decide", "--json")
	var figures map[string]any
	if err := json.Unmarshal([]byte(r.last()), &figures); err != nil {
		t.Fatalf("%v in %s", err, r.out)
	}
	for _, name := range []string{"bench", "n", "rate_per_s", "cpu_us_per_op", "limit", "limit_rate_per_s", "ratio"} {
		if _, ok := figures[name]; !ok {
			t.Errorf("%s is missing in %s", name, r.last())
		}
	}
}

func TestAMigrationSaysWhatItDid(t *testing.T) {
	eachEngine(t, func(t *testing.T, p *place) {
		if r := p.must("migrate"); !strings.Contains(r.out, "from 0 to") {
			t.Errorf("%s", r.out)
		}
		began := time.Now()
		if r := p.must("migrate"); !strings.Contains(r.out, "up to date") {
			t.Errorf("%s", r.out)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
