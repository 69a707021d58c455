package template

import (
	"html"
	"strings"
)

// closing is what ends a message whose template doesn't say it itself: the reference by which
// the customer can ask whether it is really ours, and in mails where they say how they want
// to be reached. One line in a text message, where each character costs.
func (t *Template) closing(v *Vars, language string) []string {
	chinese := strings.HasPrefix(language, "zh")
	var lines []string
	if v.Reference != "" && !t.uses["reference"] {
		switch {
		case v.Channel == channelSMS && chinese:
			lines = append(lines, "(编号"+v.Reference+")")
		case v.Channel == channelSMS:
			lines = append(lines, " (Ref "+v.Reference+")")
		case v.Channel != channelEmail && v.Channel != channelInApp: // what other channels show is their template's affair
		case chinese:
			lines = append(lines, "消息编号 "+v.Reference+":想知道它是否由我们发出,可在 App 里输入编号核对。")
		default:
			lines = append(lines, "Message reference "+v.Reference+": enter it in the app to check that it is really from us.")
		}
	}
	if v.Channel == channelEmail && v.Preferences != "" && !t.uses["preferences_link"] {
		if chinese {
			lines = append(lines, "想换个方式或时间,或不再接收: "+v.Preferences)
		} else {
			lines = append(lines, "Another way, another hour, or none: "+v.Preferences)
		}
	}
	return lines
}

// closed adds the closing to a text.
func closed(channel, text string, lines []string) string {
	switch {
	case len(lines) == 0:
		return text
	case channel == channelSMS:
		return text + strings.Join(lines, "")
	}
	return strings.TrimRight(text, "\n") + "\n\n" + strings.Join(lines, "\n")
}

// closedHTML adds it to the HTML a template brings along.
func closedHTML(page string, lines []string, v *Vars) string {
	if len(lines) == 0 {
		return page
	}
	var b strings.Builder
	for _, line := range lines {
		escaped := html.EscapeString(line)
		if v.Preferences != "" {
			address := html.EscapeString(v.Preferences)
			escaped = strings.ReplaceAll(escaped, address, `<a href="`+address+`">`+address+`</a>`)
		}
		b.WriteString("<p>" + escaped + "</p>\n")
	}
	at := strings.LastIndex(strings.ToLower(page), "</body>")
	if at < 0 || len(strings.ToLower(page)) != len(page) {
		return page + "\n" + b.String()
	}
	return page[:at] + b.String() + page[at:]
}
