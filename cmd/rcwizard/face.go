package main

// face is how the wizard is shown.
type face int

// The faces.
const (
	// facePlain is a line for each question and each event.
	facePlain face = iota
	// faceScreen is the whole terminal.
	faceScreen
)

// surroundings are what the choice of the face depends on.
type surroundings struct {
	// plain is the flag --plain.
	plain bool
	// typed and shown say that stdin and stdout are terminals.
	typed, shown bool
	env          func(string) string
}

// chooseFace gives the whole screen to who can see it: lines are for whoever
// asks for them, with --plain or as screen readers do with ACCESSIBLE, for
// terminals that cannot move their cursor, and where an end is no terminal.
func chooseFace(s surroundings) face {
	accessible := s.env("ACCESSIBLE")
	term := s.env("TERM")
	switch {
	case s.plain, !s.typed, !s.shown:
		return facePlain
	case accessible != "" && accessible != "0" && accessible != "false":
		return facePlain
	case term == "" || term == "dumb":
		return facePlain
	}
	return faceScreen
}
