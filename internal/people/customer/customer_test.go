package customer

import (
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

var keys = crypt.FromSeed([]byte("a seed for tests, of any length!"))

func TestAddressesGetOneSpelling(t *testing.T) {
	for _, c := range []struct{ name, channel, country, given, want string }{
		{"a domain has no case", "email", "", " Li.Lei@Example.COM ", "Li.Lei@example.com"},
		{"full-width letters become plain", "email", "", "lilei@example.com", "lilei@example.com"},
		{"no @", "email", "", "lilei.example.com", ""},
		{"two @", "email", "", "li@lei@example.com", ""},
		{"no domain", "email", "", "lilei@", ""},
		{"a domain of one word", "email", "", "lilei@localhost", ""},
		{"an empty label", "email", "", "lilei@example..com", ""},
		{"a space inside", "email", "", "li lei@example.com", ""},
		{"a line break to smuggle a header", "email", "", "lilei@example.com\r\nBcc: x@example.com", ""},
		{"a name around it", "email", "", "Li <lilei@example.com>", ""},
		{"too long", "email", "", strings.Repeat("x", 65) + "@example.com", ""},
		{"a Chinese mobile", "phone", "CN", "138 0000-0000", "+8613800000000"},
		{"in full-width digits", "phone", "CN", "13800000000", "+8613800000000"},
		{"with the country's code but no +", "phone", "CN", "8613800000000", "+8613800000000"},
		{"with 00", "phone", "", "0086 138 0000 0000", "+8613800000000"},
		{"an American number", "phone", "US", "(415) 555-2671", "+14155552671"},
		{"a text message goes to the phone", "sms", "CN", "13800000000", "+8613800000000"},
		{"a national number of a country unknown", "phone", "", "13800000000", ""},
		{"letters", "phone", "CN", "1380000000o", ""},
		{"a + inside", "phone", "CN", "138+00000000", ""},
		{"too few digits", "phone", "", "+86138", ""},
		{"too many digits", "phone", "", "+8613800000000000000", ""},
		{"a code beginning with 0", "phone", "", "+0138000000000", ""},
		{"nothing", "phone", "CN", "", ""},
		{"far too short a number", "phone", "CN", "12345", ""},
		{"far too short a number with a +", "phone", "CN", "+12345", ""},
		{"an emergency number", "phone", "CN", "110", ""},
		{"with spaces", "phone", "CN", " 138 0000 0000 ", "+8613800000000"},
		{"of another country, written whole", "phone", "CN", "+44 20 7946 0958", "+442079460958"},
		{"of another country, as written there", "phone", "GB", "07911 123456", "+447911123456"},
		{"of another country, read as one here", "phone", "CN", "07911 123456", ""},
		{"an American number read as a Chinese one", "phone", "CN", "(415) 555-2671", ""},
		{"an Italian landline keeps its zero", "phone", "IT", "06 6982 1234", "+390669821234"},
		{"a Chinese landline with its code", "phone", "CN", "010-62512345", "+861062512345"},
		{"an extension", "phone", "US", "415-555-2671 ext. 5", ""},
		{"a code of no country", "phone", "", "+999123456789", ""},
		{"a country of no numbers", "phone", "ZZ", "13800000000", ""},
		{"anything for a webhook", "webhook", "", "device-17", "device-17"},
		{"no such channel", "Carrier Pigeon", "", "x", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := NormaliseAddress(c.channel, c.given, c.country)
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("%q became %q, %v; want %q", c.given, got, err, c.want)
			}
			if err != nil && c.given != "" && strings.Contains(err.Error(), c.given) {
				t.Errorf("the error shows the address: %v", err)
			}
		})
	}
}

func TestWhoSharesAnAddressSharesItsKey(t *testing.T) {
	key := func(channel, address string) string {
		a, err := NormaliseAddress(channel, address, "CN")
		if err != nil {
			t.Fatal(err)
		}
		return string(PointKey(keys, PointKind(channel), a))
	}
	if key("phone", "13800000000") != key("sms", "+86 138 0000 0000") {
		t.Error("one phone has two keys")
	}
	if key("email", "Li@example.com") != key("email", "li@EXAMPLE.com") {
		t.Error("one mailbox has two keys")
	}
	if key("inapp", "C1") == key("push", "C1") || len(key("inapp", "C1")) != pointKeyBytes {
		t.Error("keys of different kinds are the same, or have a wrong length")
	}
}

func TestACustomerIsCheckedAndBroughtIntoForm(t *testing.T) {
	c := &Customer{
		Ref: "C1", Name: "张三", Language: "zh-CN", Country: "cn", BirthYear: 1960, Zones: []string{"Asia/Shanghai", "Asia/Shanghai"},
		Has: []string{"card", "app", "card"}, Points: []Point{{Channel: "sms", Address: "13800000000"}, {Channel: "phone", Address: "+8613800000000", Verified: true}},
	}
	if err := Normalise(c, keys, now); err != nil {
		t.Fatal(err)
	}
	if c.Country != "CN" || len(c.Zones) != 1 || strings.Join(c.Has, " ") != "app card" || len(c.Points) != 2 || !c.Points[0].Verified {
		t.Errorf("became %+v", c)
	}
	if p, ok := c.Point("inapp"); !ok || p.Address != "C1" || len(p.Key) != pointKeyBytes {
		t.Errorf("who has the app can be reached in it: %+v", p)
	}
	for _, bad := range []struct {
		name, path string
		change     func(c *Customer)
	}{
		{"no id", "id", func(c *Customer) { c.Ref = "" }},
		{"an id too long", "id", func(c *Customer) { c.Ref = strings.Repeat("x", 129) }},
		{"a name of two lines", "name", func(c *Customer) { c.Name = "a\nb" }},
		{"a language in words", "language", func(c *Customer) { c.Language = "Chinese" }},
		{"a country in words", "country", func(c *Customer) { c.Country = "China" }},
		{"born tomorrow", "birth_year", func(c *Customer) { c.BirthYear = 2027 }},
		{"a zone that isn't", "zones[1]", func(c *Customer) { c.Zones = []string{"Asia/Shanghai", "Asia/Peking"} }},
		{"a zone outside the folder", "zones[0]", func(c *Customer) { c.Zones = []string{"../../etc/passwd"} }},
		{"the machine's zone", "zones[0]", func(c *Customer) { c.Zones = []string{"Local"} }},
		{"an empty thing", "has", func(c *Customer) { c.Has = []string{""} }},
		{"an address that isn't", "points[0].address", func(c *Customer) { c.Points = []Point{{Channel: "email", Address: "x"}} }},
		{"too many points", "points", func(c *Customer) {
			c.Points = nil
			for i := range 21 {
				c.Points = append(c.Points, Point{Channel: "push", Address: strings.Repeat("x", i+1)})
			}
		}},
	} {
		t.Run(bad.name, func(t *testing.T) {
			c := &Customer{Ref: "C1"}
			bad.change(c)
			e, ok := errs.As(Normalise(c, keys, now))
			if !ok || e.Path != bad.path {
				t.Errorf("said %+v, want something at %s", e, bad.path)
			}
		})
	}
}

func TestOwnHoursReadBack(t *testing.T) {
	doc := &OwnDoc{Zone: "Asia/Shanghai", Channels: []string{"phone"}, Windows: []OwnWindow{{Days: []string{"workdays", "sat"}, Hours: []string{"12:00-13:30", "19:00-24:00"}}}}
	own, err := doc.Policy()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ownFrom(ownText(own))
	if err != nil || ownText(back) != ownText(own) || len(back.Windows) != 1 || len(back.Windows[0].Hours) != 2 {
		t.Errorf("%+v came back as %+v, %v", own, back, err)
	}
	for _, bad := range []OwnDoc{
		{},
		{Windows: []OwnWindow{{Days: []string{"everyday"}, Hours: []string{"09:00-12:00"}}}},
		{Windows: []OwnWindow{{Days: []string{"all"}, Hours: []string{"9-12"}}}},
		{Windows: []OwnWindow{{Days: []string{"all"}}}},
		{Zone: "Mars/Base", Windows: doc.Windows},
	} {
		if _, err := bad.Policy(); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestTheBestPointOfAChannelIsTheVerifiedOne(t *testing.T) {
	c := &Customer{Points: []Point{{Channel: "email", Address: "a"}, {Channel: "phone", Address: "1"}, {Channel: "phone", Address: "2", Verified: true}}}
	for channel, want := range map[string]string{"sms": "2", "phone": "2", "email": "a", "push": ""} {
		if p, ok := c.Point(channel); p.Address != want || ok != (want != "") {
			t.Errorf("%s: %+v", channel, p)
		}
	}
}

func TestNamesAreMasked(t *testing.T) {
	for name, want := range map[string]string{"": "", "张": "张*", "张三": "张*", "欧阳修文": "欧***", "Mary Poppins": "M***", "É": "É***"} {
		if got := Mask(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func FuzzNormaliseAddress(f *testing.F) {
	for _, s := range []string{"13800000000", "+8613800000000", "0086 138", "Li@Example.com", "a@b.c", "張@例え.jp", "\u2100", "@"} {
		f.Add("phone", s, "CN")
		f.Add("email", s, "US")
		f.Add("inapp", s, "")
	}
	f.Fuzz(func(t *testing.T, channel, address, country string) {
		once, err := NormaliseAddress(channel, address, country)
		if err != nil {
			return
		}
		if again, err := NormaliseAddress(channel, once, country); err != nil || again != once {
			t.Fatalf("%q became %q, and that %q, %v", address, once, again, err)
		}
		if strings.ContainsAny(once, "\r\n\x00") {
			t.Fatalf("%q can break a line", once)
		}
	})
}
