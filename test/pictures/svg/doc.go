// Package svg draws the screen of a terminal as an SVG that looks the same in
// every browser: text lies on the grid of cells whatever the font, lines and
// blocks of the box-drawing characters are drawn as shapes and so join, colours
// are spelled out. The same screen gives the same bytes.
//
// It does not draw blinking, hyperlinks, or double box-drawing lines other than
// as text.
package svg
