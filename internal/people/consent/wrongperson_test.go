package consent

import "testing"

func TestSomebodyElseIsUnderstood(t *testing.T) {
	for _, text := range []string{
		"你打错了", "发错人了", "打错电话了", "号码不是本人的", "不是本人", "我不是机主", "我不是王先生", "不认识这个人", "找错人了吧", "這個號碼換人了", "查无此人", "这个号码现在是我在用",
		"wrong number", "Wrong person!", "You have the wrong number", "I'm not the person you are looking for", "I don't know this person", "never heard of him", "This number belongs to someone else",
	} {
		if !WrongPerson(text) {
			t.Errorf("%q was not understood", text)
		}
	}
}

func TestTheCustomersOwnTroublesAreNotSomebodyElses(t *testing.T) {
	for _, text := range []string{
		"", "转错人了怎么办", "密码输错了", "金额打错了一个零,怎么退", "退订", "我不是很满意", "不是我付的款", "换了手机号怎么改", "短信验证码不是本人操作", "好的",
		"wrong amount", "the wrong item was delivered", "I'm not happy", "I sent money to the wrong account", "stop", "it was not me who paid",
	} {
		if WrongPerson(text) {
			t.Errorf("%q was taken for a wrong number", text)
		}
	}
}

func FuzzWrongPerson(f *testing.F) {
	f.Add("你打错了")
	f.Add("wrong number")
	f.Fuzz(func(_ *testing.T, text string) { _ = WrongPerson(text) }) // it must end and not panic
}
