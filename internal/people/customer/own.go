package customer

import (
	"encoding/json"
	"fmt"

	"github.com/huiyin/huiyin/internal/decide/policy"
)

const ownWindowsMax = 20

// OwnDoc is a customer's own hours as the API takes them and the table holds them.
type OwnDoc struct {
	Zone     string      `json:"zone,omitempty"`
	Channels []string    `json:"channels,omitempty"`
	Windows  []OwnWindow `json:"windows"`
}

// OwnWindow is one of them: days such as workdays or sat, hours such as 19:00-21:00.
type OwnWindow struct {
	Days  []string `json:"days"`
	Hours []string `json:"hours"`
}

// Policy reads the document; nil gives nil.
func (d *OwnDoc) Policy() (*policy.OwnHours, error) {
	if d == nil {
		return nil, nil
	}
	own := &policy.OwnHours{Zone: d.Zone, Channels: d.Channels}
	for i, w := range d.Windows {
		path := fmt.Sprintf("own_hours.windows[%d]", i)
		days, err := policy.ParseDays(w.Days...)
		if err != nil {
			return nil, invalid(path+".days", "%v", err)
		}
		window := policy.Window{Days: days}
		for _, h := range w.Hours {
			span, err := policy.ParseSpan(h)
			if err != nil {
				return nil, invalid(path+".hours", "%v", err)
			}
			window.Hours = append(window.Hours, span)
		}
		own.Windows = append(own.Windows, window)
	}
	return own, checkOwn(own)
}

// OwnDocOf writes the hours as a document; nil gives nil.
func OwnDocOf(own *policy.OwnHours) *OwnDoc {
	if own == nil {
		return nil
	}
	d := &OwnDoc{Zone: own.Zone, Channels: own.Channels, Windows: []OwnWindow{}}
	for _, w := range own.Windows {
		o := OwnWindow{Days: w.Days.Words()}
		for _, s := range w.Hours {
			o.Hours = append(o.Hours, s.String())
		}
		d.Windows = append(d.Windows, o)
	}
	return d
}

func checkOwn(own *policy.OwnHours) error {
	if own == nil {
		return nil
	}
	if len(own.Windows) == 0 || len(own.Windows) > ownWindowsMax {
		return invalid("own_hours.windows", "%d windows are given: give 1 to %d, or leave own_hours out", len(own.Windows), ownWindowsMax)
	}
	if own.Zone != "" && !IsZone(own.Zone) {
		return invalid("own_hours.zone", "%q is no IANA time zone: write it as Asia/Shanghai", own.Zone)
	}
	for i, w := range own.Windows {
		if w.Days == 0 || len(w.Hours) == 0 {
			return invalid(fmt.Sprintf("own_hours.windows[%d]", i), "a window needs days and hours: write days [all], hours [\"09:00-12:00\"]")
		}
	}
	return nil
}

func ownText(own *policy.OwnHours) string {
	if own == nil {
		return ""
	}
	b, err := json.Marshal(OwnDocOf(own))
	if err != nil {
		panic("customer: own hours can always be written: " + err.Error())
	}
	return string(b)
}

func ownFrom(text string) (*policy.OwnHours, error) {
	if text == "" {
		return nil, nil
	}
	var d OwnDoc
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return nil, err
	}
	return d.Policy()
}
