package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/program/document"
)

// Zones the simulated customers live in.
const (
	zoneShanghai = "Asia/Shanghai"
	zoneUrumqi   = "Asia/Urumqi"
	zoneNewYork  = "America/New_York"
)

// guest is a customer with a story, left alone by the simulated life so that
// whoever tries the demo finds them fresh.
type guest struct {
	customer customer.Customer
	remark   document.Text
	refuses  string // said at the start; "" for nothing
}

// guests are shown first, in this order. Lots are drawn from their ids: W1003 is held
// out of the follow-up of failed payments, the others of nothing.
func guests() []guest {
	reached := func(ref, address string) []customer.Point {
		return []customer.Point{
			{Channel: customer.Email, Address: address, Verified: true},
			{Channel: customer.Phone, Address: "+861380000" + strings.TrimPrefix(ref, "W"), Verified: true},
		}
	}
	chinese := func(ref, name, address string, born int, zone string) customer.Customer {
		return customer.Customer{
			Ref: ref, Name: name, Language: document.ZhCN, Country: "CN", BirthYear: born, Zones: []string{zone},
			Has: []string{"app"}, Points: reached(ref, address),
		}
	}
	english := func(ref, name, address, country, zone string) customer.Customer {
		return customer.Customer{
			Ref: ref, Name: name, Language: document.En, Country: country, BirthYear: 1990, Zones: []string{zone},
			Has: []string{"app", "card"}, Points: reached(ref, address),
		}
	}
	evening := chinese("W1009", "周敏", "zhou.min@example.com", 1983, zoneShanghai)
	evening.Own = &policy.OwnHours{Zone: zoneShanghai, Windows: []policy.Window{{Days: policy.AllDays, Hours: []policy.Span{{From: 19 * 60, To: 21 * 60}}}}}
	noMail := chinese("W1011", "孙悦", "", 1979, zoneShanghai)
	noMail.Points = []customer.Point{{Channel: customer.Phone, Address: "+8613800001011"}}
	return []guest{
		{customer: chinese("W1001", "王秀兰", "wang.xiulan@example.com", 1964, zoneShanghai), remark: document.Text{
			document.ZhCN: "上海,62 岁,收中文邮件", document.En: "Shanghai, 62, gets mail in Chinese",
		}},
		{customer: english("W1004", "Emily Carter", "emily.carter@example.com", "CN", zoneShanghai), remark: document.Text{
			document.ZhCN: "在上海工作,收英文邮件", document.En: "works in Shanghai, gets mail in English",
		}},
		{customer: chinese("W1003", "陈志远", "chen.zhiyuan@example.com", 1988, zoneShanghai), remark: document.Text{
			document.ZhCN: "深圳,抽进了支付失败回访的对照组:只收通知", document.En: "Shenzhen, drawn into the hold-out of failed payments: notices only",
		}},
		{customer: chinese("W1005", "阿依古丽", "ayguli@example.com", 1992, zoneUrumqi), remark: document.Text{
			document.ZhCN: "乌鲁木齐,当地时间比北京晚两小时", document.En: "Ürümqi, two hours behind Beijing",
		}},
		{customer: chinese("W1006", "赵建国", "zhao.jianguo@example.com", 1958, zoneShanghai), refuses: "别再给我发邮件了", remark: document.Text{
			document.ZhCN: "说过“别再给我发邮件了”", document.En: "has said “no more mail”",
		}},
		{customer: evening, remark: document.Text{
			document.ZhCN: "只愿在 19:00-21:00 被联系", document.En: "wants to be contacted from 19:00 to 21:00 only",
		}},
		{customer: english("W1010", "Grace Liu", "grace.liu@example.com", "US", zoneNewYork), remark: document.Text{
			document.ZhCN: "纽约,适用自带的美国规则(8:00-21:00)", document.En: "New York, under the shipped US rules (8:00-21:00)",
		}},
		{customer: noMail, remark: document.Text{
			document.ZhCN: "没有留邮箱", document.En: "has no e-mail address",
		}},
	}
}

// A person's name and how it is written in an address.
type spelled struct{ name, latin string }

var (
	surnames = []spelled{
		{"李", "li"},
		{"张", "zhang"},
		{"刘", "liu"},
		{"陈", "chen"},
		{"杨", "yang"},
		{"黄", "huang"},
		{"吴", "wu"},
		{"徐", "xu"},
		{"孙", "sun"},
		{"马", "ma"},
		{"朱", "zhu"},
		{"胡", "hu"},
		{"郭", "guo"},
		{"何", "he"},
		{"林", "lin"},
		{"罗", "luo"},
		{"梁", "liang"},
		{"宋", "song"},
		{"郑", "zheng"},
		{"谢", "xie"},
	}
	givenNames = []spelled{
		{"伟", "wei"},
		{"芳", "fang"},
		{"婷", "ting"},
		{"磊", "lei"},
		{"静", "jing"},
		{"洋", "yang"},
		{"敏", "min"},
		{"强", "qiang"},
		{"丽", "li"},
		{"军", "jun"},
		{"桂英", "guiying"},
		{"晓东", "xiaodong"},
		{"雨晴", "yuqing"},
		{"子涵", "zihan"},
		{"思远", "siyuan"},
		{"建华", "jianhua"},
		{"海燕", "haiyan"},
		{"文博", "wenbo"},
	}
	firstNames = []string{"Daniel", "Sofia", "Michael", "Hannah", "Lucas", "Priya", "Thomas", "Amara", "Julia", "Marco", "Nina", "Owen"}
	lastNames  = []string{"Okafor", "Rossi", "Torres", "Berg", "Martin", "Nair", "Walker", "Mensah", "Novak", "Costa", "Fischer", "Hughes"}
)

// passersFrom is the number of the first of them: W2000.
const passersFrom = 2000

// englishShare is how many of the simulated customers are written to in English.
const englishShare = 0.25

// passerBy makes the n-th of the customers who live by themselves. The same n is
// always the same person.
func passerBy(n int) *customer.Customer {
	r := rand.New(rand.NewPCG(uint64(n), 1)) // a person's traits, repeatable by their number
	c := &customer.Customer{
		Ref: fmt.Sprintf("W%d", passersFrom+n), Country: "CN", Zones: []string{zoneShanghai}, Has: []string{"app"},
		BirthYear: 1950 + r.IntN(57), Language: document.ZhCN,
	}
	var latin string
	if r.Float64() < englishShare {
		first, last := firstNames[r.IntN(len(firstNames))], lastNames[r.IntN(len(lastNames))]
		c.Language, c.Name, latin = document.En, first+" "+last, strings.ToLower(first+"."+last)
	} else {
		family, given := surnames[r.IntN(len(surnames))], givenNames[r.IntN(len(givenNames))]
		c.Name, latin = family.name+given.name, family.latin+"."+given.latin
	}
	if r.IntN(12) == 0 {
		c.Zones = []string{zoneUrumqi}
	}
	c.Points = []customer.Point{
		{Channel: customer.Email, Address: fmt.Sprintf("%s.%d@example.com", latin, n), Verified: true},
		{Channel: customer.Phone, Address: fmt.Sprintf("+86138%08d", 10_000+n), Verified: true},
	}
	return c
}
