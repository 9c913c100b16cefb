// Package tui is the wizard: pages on a terminal, from the first address to the
// count at the end.
//
// It promises that no answer is lost: the draft is saved whenever a page is
// left, back always works, and what was typed is there again. It never waits:
// whatever takes time is a command, and the keys work meanwhile. It asks
// nothing while hosts are being changed. It opens no connection and keeps no
// file: all that is the business of a ui.Backend.
//
// # How it is made
//
// Model is the one tea.Model. It knows which page is in front, saves the draft,
// and lays the screen out: newLayout alone decides, from width and height, which
// rectangle is whose. Look alone knows a colour or a sign; pages speak of good,
// warning, bad and muted. Text is measured in cells, by text.go.
//
// # How a page is written
//
// A page is a plain struct in a file of its own, page_NAME.go, with the methods
// of page, and a line in newPages. It embeds quiet for what it has nothing to
// say about, and keeps a *common, through which it reaches the draft, the look
// and the Backend:
//
//   - Key and Update change the page's own fields and common.draft, and return.
//     What takes time goes through common.do, what is to come later through
//     common.wait; the message comes to Update, unless another draft was opened
//     meanwhile. A message has a type of its own, since every page gets all of
//     them: that is how a page hears of what it began when it is no longer in
//     front.
//   - common.next, back, visit, say ask the wizard for something; it is done
//     before the next key is looked at. There are no commands for it.
//   - Render draws on w by h cells from what is known, and changes nothing but
//     where it is scrolled to. A line too wide or too many are a mistake that a
//     test finds at every size.
//   - What many hosts or lines tell at once is collected where it arrives and
//     looked at on a tick: never one message for one line.
//
// Questions of a page that a line or a choice can answer need no drawing: see
// form.
package tui
