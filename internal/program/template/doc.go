// Package template turns what people write to customers into what is sent.
//
// Templates are Liquid: {{ values | filters }}, if, unless, case and for. Every
// variable is known and typed when the document is applied, so a misspelt name
// or an amount without a currency is found then and not when it is sent. What
// can't be bounded is left out of the language: loops run over a list of at most
// 100 items and don't nest, there are no ranges, no assignments, no includes.
//
// The language is read by this package itself rather than by a library: the
// checker has to understand every expression anyway, and two readers of one
// language can disagree, which is where an unchecked variable slips in. Tests
// hold the result against another reader of Liquid.
//
// The package sends nothing and knows no program; it asks for what it shows
// through Vars.
package template
