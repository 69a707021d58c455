package email

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

const (
	replyLinesMost = 64
	replyLineBytes = 2048

	retryBusy        = 5 * time.Minute // long enough for greylisting
	retryUnreachable = time.Minute
	retryLogin       = 5 * time.Minute
)

// reply is a server's answer to one command.
type reply struct {
	code     int
	enhanced [3]int // RFC 3463; zeros if the server gave none
	text     string
}

func (r reply) ok() bool       { return r.code/100 == 2 }
func (r reply) forNow() bool   { return r.code/100 == 4 }
func (r reply) forGood() bool  { return r.code/100 == 5 }
func (r reply) leaving() bool  { return r.code == 421 }
func (r reply) String() string { return fmt.Sprintf("%d %s", r.code, r.text) }

var errReply = errors.New("the server's answer is not SMTP")

// readReply reads one answer of at most replyLinesMost lines.
func readReply(r *bufio.Reader) (reply, error) {
	var whole reply
	var text strings.Builder
	for n := 0; n < replyLinesMost; n++ {
		line, err := readLine(r)
		if err != nil {
			return reply{}, err
		}
		code, rest, last, ok := cutReply(line)
		if !ok || (n > 0 && code != whole.code) {
			return reply{}, errReply
		}
		whole.code = code
		rest, whole.enhanced = cutEnhanced(rest, code, whole.enhanced)
		if text.Len() > 0 && rest != "" {
			text.WriteByte(' ')
		}
		text.WriteString(rest)
		if last {
			whole.text = text.String()
			return whole, nil
		}
	}
	return reply{}, errReply
}

func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) || len(line) > replyLineBytes {
		return "", errReply
	}
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}

// cutReply takes the code off a line: "250-text" goes on, "250 text" and "250" are the last.
func cutReply(line string) (code int, text string, last, ok bool) {
	if len(line) < 3 {
		return 0, "", false, false
	}
	for _, b := range []byte(line[:3]) {
		if b < '0' || b > '9' {
			return 0, "", false, false
		}
		code = code*10 + int(b-'0')
	}
	if code < 200 || code > 599 {
		return 0, "", false, false
	}
	switch {
	case len(line) == 3:
		return code, "", true, true
	case line[3] == ' ':
		return code, line[4:], true, true
	case line[3] == '-':
		return code, line[4:], false, true
	}
	return 0, "", false, false
}

// cutEnhanced takes an enhanced status code such as 5.1.1 off a line, if one is there.
func cutEnhanced(text string, code int, before [3]int) (string, [3]int) {
	word, rest, _ := strings.Cut(text, " ")
	var found [3]int
	part, digits := 0, 0
	for _, b := range []byte(word) {
		switch {
		case b >= '0' && b <= '9' && digits < 3:
			found[part] = found[part]*10 + int(b-'0')
			digits++
		case b == '.' && digits > 0 && part < 2:
			part, digits = part+1, 0
		default:
			return text, before
		}
	}
	if part != 2 || digits == 0 || found[0] != code/100 {
		return text, before
	}
	return rest, found
}

// stage is how far a transaction had come.
type stage uint8

const (
	atSender    stage = iota // MAIL
	atRecipient              // RCPT
	atData                   // DATA, before the message
	atEnd                    // after the message
)

// judge says what an answer other than the expected one means for the message.
// All of these are a plain no: the server has not taken it.
func judge(s stage, r reply, to string) channel.Outcome {
	detail := channel.Detail(r.String(), to)
	switch {
	case r.forNow():
		return channel.Later(reasonForNow(r), retryBusy, detail)
	case r.forGood() && needsLogin(r):
		// The fault is ours, not the message's: it waits until the login is put right.
		return channel.Later(codes.LoginRefused, retryLogin, detail)
	case r.forGood():
		return channel.Refused(reasonForGood(s, r), detail)
	case s == atEnd:
		return channel.Lost(detail) // neither yes nor no to a message the server has in full
	default:
		return channel.Later(codes.ProviderBusy, retryBusy, detail)
	}
}

func needsLogin(r reply) bool {
	switch r.code {
	case 530, 534, 535, 538:
		return true
	}
	return r.enhanced[1] == 7 && r.enhanced[2] == 8
}

func reasonForNow(r reply) codes.Reason {
	if r.enhanced == [3]int{4, 2, 2} || r.code == 452 && r.enhanced[1] == 2 {
		return codes.MailboxFull
	}
	return codes.ProviderBusy
}

// reasonForGood reads the enhanced code (RFC 3463) and, without one, the stage
// and the plain code.
func reasonForGood(s stage, r reply) codes.Reason {
	switch subject, detail := r.enhanced[1], r.enhanced[2]; {
	case subject == 1 && (detail == 1 || detail == 2 || detail == 6 || detail == 10), subject == 2 && (detail == 0 || detail == 1):
		return codes.MailboxUnknown
	case subject == 1 && detail == 3:
		return codes.AddressInvalid
	case subject == 1 && (detail == 7 || detail == 8), subject == 7 && s == atSender:
		return codes.SenderRejected
	case subject == 2 && detail == 2:
		return codes.MailboxFull
	case subject == 2 && detail == 3, subject == 3 && detail == 4:
		return codes.MessageTooLarge
	case subject == 7 && s == atEnd, subject == 6:
		return codes.ContentRejected
	case r.enhanced != [3]int{}:
		return codes.ProviderRejected
	}
	switch {
	case s == atSender && r.code != 552:
		return codes.SenderRejected
	case s == atRecipient && (r.code == 550 || r.code == 551) && namesMailbox(r.text):
		return codes.MailboxUnknown
	case r.code == 553 || r.code == 501 && s == atRecipient:
		return codes.AddressInvalid
	case r.code == 552 && s == atRecipient:
		return codes.MailboxFull
	case r.code == 552:
		return codes.MessageTooLarge
	case r.code == 554 && s == atEnd:
		return codes.ContentRejected
	}
	return codes.ProviderRejected
}

// unknownWords are how servers say that nobody has a mailbox of that name.
var unknownWords = []string{
	"unknown user", "user unknown", "unknown recipient", "recipient unknown", "unknown mailbox", "mailbox unknown", "address unknown", "unknown address",
	"no such user", "no such mailbox", "no such recipient", "no such address", "no such account", "no such person", "no mailbox",
	"does not exist", "doesn't exist", "user not found", "mailbox not found", "recipient not found", "address not found", "account not found",
	"invalid recipient", "invalid mailbox", "invalid user",
	"用户不存在", "收件人不存在", "邮箱不存在", "账号不存在", "帐号不存在", "账户不存在", "帐户不存在", "地址不存在", "无此用户", "没有此用户", "查无此人",
}

// namesMailbox says whether the words of a plain 550 tell of a mailbox that isn't there: many
// servers give the same code to what they take for spam. What they miss of the sender is ours.
func namesMailbox(text string) bool {
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	if strings.Contains(text, "sender") || strings.Contains(text, "发件") {
		return false
	}
	for _, words := range unknownWords {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// queueID finds the server's name for the message in its last answer; many say
// "queued as 4XkP9w" in some form.
func queueID(text string) string {
	_, after, found := strings.Cut(text, "queued as ")
	if !found {
		return ""
	}
	id, _, _ := strings.Cut(after, " ")
	return channel.Detail(strings.Trim(id, "<>.,;"), "")
}
