package template

import (
	"testing"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

func TestAskingForSecretsIsRefused(t *testing.T) {
	for _, text := range []string{
		"请提供您的验证码。",
		"请回复短信验证码完成退款",
		"您的退款需要核验,请输入支付密码",
		"我们不会打扰您,请将验证码发送给客服",
		"请告知卡号、有效期和安全码",
		"为了退款,请告诉我们您的身 份 证 号",
		"请下载向日葵,由工作人员远程协助您",
		"请开启屏幕共享",
		"请把 C V V 2 填写在下面",
		"客服会向您索要验证码",
		"请回复ＣＶＶ",
		"为保证资金安全,请转入安全账户",
		"验\u200b证\u200b码请回复给我们",
		"请勿担心。请提供密码。",
		"Please reply with the verification code.",
		"Tell us your password to continue",
		"Enter your PIN to confirm the refund",
		"We never call at night. Please send us the code you received.",
		"Don't worry, just give the agent your card number",
		"Install TeamViewer so that we can help",
		"Share your screen with our agent",
		"To get your refund, provide your CVV and ID number.",
		"Reply with the 6-digit code",
		"We will ask for your password",
	} {
		if err := Lint(text); errs.CodeOf(err) != codeSecret {
			t.Errorf("taken: %s", text)
		}
	}
}

func TestHonestWordsPass(t *testing.T) {
	for _, text := range []string{
		"我们不会向您索要验证码和密码,如有疑问请拨打□。",
		"我们不会向您索要验证码和密码。",
		"请勿将验证码告诉任何人",
		"请不要向任何人提供您的密码、验证码或卡号。",
		"任何以退款为由索要验证码的都是诈骗",
		"您的账户已锁定,您可以在 App 中重新支付。",
		"您的验证码输入次数过多,账户已锁定,将于明天自动解锁",
		"感谢您的反馈。如仍需帮助,请在 App“我的-客服”联系我们,或拨打□。",
		"您好,我是示例钱包的客服□,工号□。请问是□本人吗?",
		"您的一笔付款未成功(支付密码有误),未扣款。",
		"We never ask for codes or passwords. Questions: □.",
		"Never share your password or verification code with anyone.",
		"Do not send your PIN to anyone.",
		"Please call us on □ if you did not make this payment.",
		"We won't ask you to install remote control software or to share your screen.",
		"Thank you. Tell us how it went: □",
		"Enter your answer here: □",
		"Your payment did not go through (the payment password was wrong). You were not charged.",
	} {
		if err := Lint(text); err != nil {
			t.Errorf("refused: %s: %v", text, err)
		}
	}
}

func FuzzLint(f *testing.F) {
	f.Add("请提供您的验证码。")
	f.Add("Please reply with the code, but never share it")
	f.Fuzz(func(_ *testing.T, text string) { _ = Lint(text) }) // it must end and not panic
}
