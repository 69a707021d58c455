package codes

// What may be wrong with what is sealed, and with erasing.
const (
	Erased             = "erased"
	ErasureRunning     = "erasure-running"
	LegalHold          = "legal-hold"
	VaultDamaged       = "vault-damaged"
	VaultGone          = "vault-gone"
	WrappingKeyMissing = "wrapping-key-missing"
)

var vaultFaults = []Entry{
	{"erased", Fault, "该客户的资料已删除,无法再读取", "The customer was erased; nothing of them can be read any more"},
	{"erasure-running", Fault, "该客户的资料正在删除", "The customer is being erased"},
	{"legal-hold", Fault, "该客户的资料依法须保留,不能删除", "The customer's data is under a legal hold and cannot be erased"},
	{"vault-damaged", Fault, "保险库或加密内容已损坏", "The vault, or something sealed, is damaged"},
	{"vault-gone", Fault, "保险库打不开或不存在", "The vault cannot be opened, or is not there"},
	{"wrapping-key-missing", Fault, "密钥文件里没有保险库所用的密钥", "The key file does not hold the key the vault is wrapped under"},
}

// What a key may do with what is sealed.
const (
	CustomersReveal Scope = "customers-reveal"
	CustomersExport Scope = "customers-export"
	CustomersErase  Scope = "customers-erase"
	LegalHoldWrite  Scope = "legal-hold-write"
)

var vaultRights = []Entry{
	{"customers-reveal", Right, "查看客户的明文姓名和联系方式(须说明理由)", "See customers' names and addresses in clear, for a stated reason"},
	{"customers-export", Right, "导出系统内关于一位客户的全部资料", "Export everything held on one customer"},
	{"customers-erase", Right, "删除客户资料", "Erase customers"},
	{"legal-hold-write", Right, "设置和解除依法保留", "Set and lift legal holds"},
}
