package codes

// What was wrong with what a study or a report was asked.
const (
	AssignmentFixed  = "assignment-fixed"
	StudyArmsTooMany = "study-arms-too-many"
	ReportRange      = "report-range"
	ReportTooLong    = "report-too-long"
)

var measureFaults = []Entry{
	{"assignment-fixed", Fault, "客户已经分在另一组,分组不能更改", "The customer is in another arm already, and arms do not change"},
	{"study-arms-too-many", Fault, "对照分组过多", "The study has too many arms"},
	{"report-range", Fault, "报表的起止日期不对", "The report's first and last day are not right"},
	{"report-too-long", Fault, "内容过多,无法一次列出", "There is too much to list at once"},
}
