// Package script reads the scripts after which the pictures of the docs are
// taken: what is typed into a program on a terminal, what is waited for, and
// when a picture is taken. It promises that a script that Parse accepts can be
// carried out as far as its form goes, and that an error names the line. It
// carries nothing out.
//
// A script has one instruction a line. Words are divided by spaces; a word with
// spaces in it is quoted as a Go string, "like \"this\"" or `like this`. ${NAME}
// in a word, quoted or not, is replaced by a value that the caller defines. A
// word that begins with # begins a comment, to the end of the line.
//
//	size 80x24           cells of the terminal; before anything is run. Default 80x24.
//	background light     of the terminal, which tells programs that ask: dark or light.
//	                     Before anything is run. Default dark.
//	env NAME=VALUE       in the environment of the programs run from here on
//	timeout 2m           for each wait from here on. Default 20s.
//	changing REGEXP      what differs from run to run, as times do: a picture in which
//	                     nothing else differs from the one that is there is not written
//	show TEXT            writes a line onto the terminal, as a shell shows a command
//	run PROGRAM ARG…     starts a program. The word rcwizard is the program that is
//	                     pictured. One at a time: an earlier one has ended with exit.
//	do PROGRAM ARG…      runs a program beside the terminal to its end, which is exit
//	                     code 0: what is done to hosts while rcwizard looks at them
//	wait TEXT…           until all texts are on the screen at once
//	gone TEXT…           until none of the texts is on the screen
//	type TEXT            types the text
//	key NAME…            presses keys: a letter or sign, enter, tab, esc, space,
//	                     backspace, delete, up, down, left, right, home, end, pgup,
//	                     pgdown, f1 to f12; with shift+, alt+ or ctrl+ before it where
//	                     terminals know such a key
//	paste TEXT           pastes the text, bracketed where the program asked for that
//	resize 120x40        gives the terminal another size
//	snapshot NAME TITLE  takes the picture NAME.svg once the screen is quiet. TITLE is
//	                     what readers hear who cannot see it.
//	exit CODE            until the program has ended, with that code
//
// A program that still runs at the end of the script is killed.
package script
