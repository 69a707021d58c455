package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/outbox"
)

// sample is one language's, compiled.
type sample struct {
	language string
	command  []string
}

// tool finds a program the samples are compiled or run with.
func tool(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("there is no %s, with which the samples are tried; install %s, or run scripts/setup.sh", name, debian)
	}
	return path
}

func compile(t *testing.T, command string, args ...string) {
	t.Helper()
	c := exec.Command(command, args...)
	c.Dir = samplesFolder
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", command, args, err, text)
	}
}

var samplesFolder = filepath.Join("..", "..", "samples")

// samples compiles them all, each with its language's own compiler.
func samples(t *testing.T) []sample {
	t.Helper()
	folder := t.TempDir()
	java, javac, node := tool(t, "java", "openjdk-17-jre-headless"), tool(t, "javac", "openjdk-17-jdk-headless"), tool(t, "node", "nodejs")
	tsc := filepath.Join(samplesFolder, "typescript", "node_modules", "typescript", "bin", "tsc")
	if _, err := os.Stat(tsc); err != nil {
		t.Fatal("the TypeScript compiler is missing; run `npm ci` in samples/typescript, or scripts/setup.sh")
	}
	compile(t, "go", "build", "-o", filepath.Join(folder, "sample"), "./go")
	compile(t, javac, "-encoding", "UTF-8", "-Xlint:all", "-Werror", "-d", folder, filepath.Join("java", "Sample.java"))
	compile(t, node, filepath.Join("typescript", "node_modules", "typescript", "bin", "tsc"), "-p", "typescript", "--outDir", filepath.Join(folder, "ts"))
	if err := os.WriteFile(filepath.Join(folder, "ts", "package.json"), []byte(`{"type":"module"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return []sample{
		{"go", []string{filepath.Join(folder, "sample")}},
		{"java", []string{java, "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", folder, "Sample"}},
		// Node 18 has the web's crypto only when asked.
		{"typescript", []string{node, "--experimental-global-webcrypto", filepath.Join(folder, "ts", "sample.js")}},
	}
}

func (s *sample) run(t *testing.T, env []string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), s.command[0], append(s.command[1:len(s.command):len(s.command)], args...)...)
	c.Env = append(os.Environ(), env...)
	text, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("the %s sample: %v", s.language, err)
	}
	return string(text)
}

func TestTheSamplesDoInEveryLanguageWhatTheySay(t *testing.T) {
	_, served, shop := newInboxPlace(t)
	for _, one := range samples(t) {
		t.Run(one.language, func(t *testing.T) {
			served.t = t
			who := "S-" + one.language
			record := map[string]any{"name": "Anna", "language": "en", "country": "CN", "zones": []string{"Asia/Shanghai"}, "has": []string{"app"}}
			if status, text, _ := served.do(http.MethodPut, "/v1/customers/"+who, "application/json", encode(t, record)); status != http.StatusOK {
				t.Fatalf("%d %s", status, text)
			}
			got := one.run(t, []string{"HUIYIN_URL=" + served.url, "HUIYIN_API_KEY=" + served.key, "HUIYIN_SIGNING_SECRET=" + shop.secret, "CUSTOMER=" + who})
			const want = "event accepted\ncard: How did we do?\nshown\ncomplete: true\nthanks: Thank you; we will mend it.\nfeedback: true\n"
			if got != want {
				t.Errorf("it said %q", got)
			}
			served.wantAnswered(who)
			one.verifies(t)
		})
	}
}

// verifies tries a sample's eye for genuine webhooks on ours.
func (s *sample) verifies(t *testing.T) {
	t.Helper()
	key, body := []byte("0123456789abcdef0123456789abcdef"), `{"type":"answer.completed","data":{"text":"退款太慢"}}`
	for name, c := range map[string]struct {
		at         time.Time
		body, want string
		secret     []byte
	}{
		"ours":             {time.Now(), body, "genuine", key},
		"with other words": {time.Now(), strings.Replace(body, "慢", "快", 1), "forged", key},
		"of an hour ago":   {time.Now().Add(-time.Hour), body, "forged", key},
		"of somebody else": {time.Now(), body, "forged", []byte("another secret, quite another one")},
	} {
		h := http.Header{}
		outbox.Sign(h, [][]byte{[]byte("some other key of a rotation.."), c.secret}, "msg_1", c.at, []byte(body))
		got := s.run(t, []string{"WEBHOOK_SECRET=" + outbox.SpellSecret(key)}, "verify", "msg_1", h.Get(outbox.HeaderStamp), h.Get(outbox.HeaderSignature), c.body)
		if got != c.want+"\n" {
			t.Errorf("a webhook %s is called %s", name, got)
		}
	}
}
