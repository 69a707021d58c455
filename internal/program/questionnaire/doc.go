// Package questionnaire says what customers are asked, and judges what they reply.
//
// A questionnaire is a list of questions in order. A question may be shown only
// if what was said before calls for it (show_if, a condition over earlier
// questions), so there are no circles; and a question that no answer could ever
// show is refused, so there are no dead ends. At most one question gives the
// follow-up its score.
//
// Visible and Check are pure. The package keeps no answers (hear/answer does) and
// draws no page.
package questionnaire
