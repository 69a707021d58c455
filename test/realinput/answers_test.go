package realinput

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/test/fake/mailsink"
)

const (
	reviewsInFile = 6974
	answering     = 4 // customers at once
	answerTimeout = 20 * time.Second

	carelessFew = 1000 // real answers are marked careless less often than once in so many

	// Which of the customers do what: each so-manieth.
	silent  = 5  // says nothing
	leaves  = 17 // gives the stars and goes
	wavers  = 29 // gives other stars first
	scanned = 13 // has a link scanner that opens the link first
)

// review is what one customer will say.
type review struct {
	customer, token string
	stars           int
	words           string
	silent, leaves  bool
	wavers, scanned bool
}

// link finds the personal link of a mail.
var link = regexp.MustCompile(regexp.QuoteMeta(publicURL) + `/q/([a-z2-7]+)`)

// readReviews puts the reviews into the mouths of the mailed customers, in the order of
// the file and of the customers' ids.
func readReviews(t *testing.T, mails []mailsink.Seen) (all []review) {
	t.Helper()
	rows, column := table(t, "paytm_reviews/dev.csv.gz")
	if len(rows) != reviewsInFile {
		t.Fatalf("%d reviews in the file, want %d", len(rows), reviewsInFile)
	}
	slices.SortFunc(mails, func(a, b mailsink.Seen) int { return strings.Compare(a.To, b.To) })
	for i, m := range mails {
		found := link.FindStringSubmatch(plainText(t, m.Body))
		if found == nil {
			t.Fatalf("the mail to %s holds no link:\n%s", m.To, m.Body)
		}
		stars, err := strconv.Atoi(column(rows[i], "score"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, review{
			customer: customerOf(m.To), token: found[1], stars: stars, words: column(rows[i], "content"),
			silent: i%silent == silent-1, leaves: i%leaves == 3, wavers: i%wavers == 5, scanned: i%scanned == 1,
		})
	}
	return all
}

// plainText gives the text part of a mail as a mail program shows it.
func plainText(t *testing.T, message string) string {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	kind, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	body, encoding := m.Body, m.Header.Get("Content-Transfer-Encoding")
	if strings.HasPrefix(kind, "multipart/") {
		part, err := multipart.NewReader(m.Body, parameters["boundary"]).NextRawPart() // the plain one comes first
		if err != nil {
			t.Fatal(err)
		}
		body, encoding = part, part.Header.Get("Content-Transfer-Encoding")
	}
	if strings.EqualFold(encoding, "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// browser opens pages and sends forms, and follows no redirect by itself.
type browser struct {
	http.Client
	base string
}

func newBrowser(base string) *browser {
	return &browser{base: base, Client: http.Client{
		Timeout:       answerTimeout,
		Transport:     &http.Transport{MaxIdleConnsPerHost: answering},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func status(r *http.Response, err error) (int, string, error) {
	if err != nil {
		return 0, "", err
	}
	_, err = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close() // it was read to its end
	return r.StatusCode, r.Header.Get("Location"), err
}

// say answers one question.
func (b *browser) say(token, question, value string) (int, string, error) {
	return status(b.PostForm(b.base+"/q/"+token, url.Values{"question": {question}, "value": {value}}))
}

// answer does what one customer does.
func (b *browser) answer(r *review) error {
	expect := func(what string, want int, got int, err error) error {
		if err != nil || got != want {
			return fmt.Errorf("customer %s, %s: %d, want %d (%w)", r.customer, what, got, want, err)
		}
		return nil
	}
	if r.scanned {
		got, _, err := status(b.Get(b.base + "/q/" + r.token))
		if err := expect("opening", http.StatusOK, got, err); err != nil {
			return err
		}
	}
	if r.silent {
		return nil
	}
	if r.wavers {
		got, _, err := b.say(r.token, "satisfaction", strconv.Itoa(6-r.stars))
		if err := expect("other stars", http.StatusSeeOther, got, err); err != nil {
			return err
		}
	}
	got, _, err := b.say(r.token, "satisfaction", strconv.Itoa(r.stars))
	if err := expect("stars", http.StatusSeeOther, got, err); err != nil || r.leaves {
		return err
	}
	got, to, err := b.say(r.token, "words", r.words)
	if err := expect("words", http.StatusSeeOther, got, err); err != nil {
		return err
	}
	if !strings.HasSuffix(to, "/done") {
		return fmt.Errorf("customer %s was sent to %q after the last question", r.customer, to)
	}
	got, _, err = b.say(r.token, "satisfaction", "1") // the link is used up
	if r.stars == 1 {                                 // saying again what is kept already does no harm
		return err
	}
	return expect("stars once more", http.StatusGone, got, err)
}

// answers is the part of `huiyin report` that tells what was answered.
type answers struct {
	Balanced bool
	Check    []string
	Answers  struct {
		Started, Completed, Careless int
		Response                     shareOf
	}
	Scores []struct {
		Question     string
		N            int
		Distribution []struct{ Value, N int }
		Mean         *struct {
			Value float64
			N     int
		}
		Satisfied *shareOf
	}
}

type shareOf struct {
	Hits, N  int
	Rate     *float64
	Interval *interval
}

func (s *shareOf) equals(t *testing.T, what string, hits, n int) {
	t.Helper()
	if s == nil || s.Hits != hits || s.N != n || s.Interval == nil {
		t.Errorf("%s: %+v, recounted %d of %d", what, s, hits, n)
		return
	}
	low, high := wilson(hits, n)
	near(t, what, s.Rate, float64(hits)/float64(n))
	near(t, what+" low", &s.Interval.Low, low)
	near(t, what+" high", &s.Interval.High, high)
}

// theyAnswer lets the mailed customers of a finished replay answer, and holds the report
// to a recount of what they said.
func (h *house) theyAnswer(events string, mails []mailsink.Seen) {
	reviews := readReviews(h.t, mails)
	l := h.listen("--events", events)
	b := newBrowser(l.url)
	began := time.Now()
	work, wrong := make(chan *review), make(chan error, len(reviews))
	var customers sync.WaitGroup
	for range answering {
		customers.Go(func() {
			for r := range work {
				if err := b.answer(r); err != nil {
					wrong <- err
				}
			}
		})
	}
	for i := range reviews {
		work <- &reviews[i]
	}
	close(work)
	customers.Wait()
	close(wrong)
	var said []string
	for err := range wrong {
		said = append(said, err.Error())
	}
	complain(h.t, "answering", said)
	h.t.Logf("%d customers answered in %.1f s", len(reviews), time.Since(began).Seconds())
	if done := l.end(); !done.Resumed || done.Events != 0 {
		h.t.Errorf("the replay was to go on at its end: %+v", done)
	}
	h.recount(reviews)
}

// recount counts what was said directly.
func (h *house) recount(reviews []review) {
	var started, completed, satisfied, sum int
	stars := map[int]int{}
	words := map[string]string{}
	for _, r := range reviews {
		if r.silent {
			continue
		}
		started++
		stars[r.stars]++
		sum += r.stars
		if r.stars >= 4 {
			satisfied++
		}
		if !r.leaves {
			completed++
			if w := strings.TrimSpace(r.words); w != "" {
				words[r.customer] = w
			}
		}
	}
	var a answers
	h.run(&a, "report", "after-call", "--json")
	if !a.Balanced {
		h.t.Errorf("the report says that it doesn't add up: %v", a.Check)
	}
	if a.Answers.Started != started || a.Answers.Completed != completed {
		h.t.Errorf("answers %+v, recounted %d started, %d completed", a.Answers, started, completed)
	}
	if a.Answers.Careless > completed/carelessFew {
		h.t.Errorf("%d of %d real answers are taken for careless", a.Answers.Careless, completed)
	}
	a.Answers.Response.equals(h.t, "response", started-a.Answers.Careless, len(reviews))
	if len(a.Scores) != 1 || a.Scores[0].N != started || a.Scores[0].Mean == nil || a.Scores[0].Mean.N != started {
		h.t.Fatalf("scores %+v, recounted %d", a.Scores, started)
	}
	for _, bin := range a.Scores[0].Distribution {
		if bin.N != stars[bin.Value] {
			h.t.Errorf("%d stars: %d, recounted %d", bin.Value, bin.N, stars[bin.Value])
		}
	}
	near(h.t, "mean", &a.Scores[0].Mean.Value, float64(sum)/float64(started))
	a.Scores[0].Satisfied.equals(h.t, "satisfied", satisfied, started)
	h.compareWords(words)
	h.t.Logf("%d of %d answered, %d to the end; %d marked careless; mean %.3f, %d satisfied", started, len(reviews), completed, a.Answers.Careless, float64(sum)/float64(started), satisfied)
}

// compareWords holds what was kept to what was written, word for word.
func (h *house) compareWords(words map[string]string) {
	var wrong []string
	rows := h.rows(2, `SELECT c.ref, v.value FROM answer_value v JOIN answer a ON a.id = v.answer_id JOIN customer c ON c.id = a.customer_id WHERE v.question = 'words'`)
	for _, row := range rows {
		var kept string
		if err := json.Unmarshal([]byte(row[1]), &kept); err != nil {
			h.t.Fatal(err)
		}
		if want := words[row[0]]; kept != want {
			wrong = append(wrong, fmt.Sprintf("customer %s wrote %q, kept is %q", row[0], want, kept))
		}
	}
	if len(rows) != len(words) {
		wrong = append(wrong, fmt.Sprintf("%d texts are kept, %d were written", len(rows), len(words)))
	}
	complain(h.t, "words", wrong)
}
