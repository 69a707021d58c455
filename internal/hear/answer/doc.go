// Package answer keeps what customers reply: links, answers and their values.
//
// A link is personal and for one questionnaire of one follow-up. Its token has
// 128 bits that only the keyring can make; at rest lies a hash of it. It stands
// open until it expires or the answer is completed. Opening it changes nothing,
// however many machines do so; saying the same thing twice does no harm.
//
// Each question is saved by itself and is durable before Save returns. In the
// same transaction the follow-up becomes answered, when its score is given or,
// without one, at the end, and the counters move; a score that is changed takes
// back what it counted before.
//
// It shows nothing (package pages does) and draws no conclusion from what was
// said. Texts and values are personal; Erase removes them.
package answer
