// Package kill ends the real server again and again, and holds it to its promises.
//
// Under load, with events, answers and refusals posted over HTTP, the server is killed
// without warning: at random moments, by the gateways right after they took a message,
// and by itself at named points of its transactions and sends (crasher). What it had
// acknowledged must be there afterwards, nobody may have been contacted twice, and what
// nobody can know must have been set aside.
//
// The gateways are processes of their own. One honours keys, one can be asked, one does
// neither. The rig reads their wire logs and the tables, never the server's own word.
// HUIYIN_KILLS=n kills n times instead of 200.
package kill
