// Package pages serves what customers see in a browser: the questionnaire behind
// a personal link, the page on which they refuse to be contacted, and the words
// for links that no longer work.
//
// Pages are written on the server, need no script, weigh less than 20 KB and work
// on old phones at 360 pixels. Nothing is loaded from anywhere else. A GET or HEAD
// changes nothing, so link scanners and previews may open what they like; only a
// POST answers or refuses.
//
// The package judges no answer and keeps none: packages answer and consent do.
package pages
