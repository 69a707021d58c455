// Package widget serves the customer's inbox for web pages: one small script that defines the
// element <huiyin-inbox>, and a page of its own for sites that would rather put it into a frame.
//
// The script needs nothing of the page it stands in: it draws in a shadow tree with style
// sheets made by script, so it works under a content security policy that allows neither inline
// styles nor evaluation. All it knows comes from /v1/inapp/, with the customer's token that
// the page hands in; which questions follow which is decided by the server.
//
// In a frame, the page around it and the frame speak by postMessage; each believes only the
// other's window at the origin that was named.
package widget
