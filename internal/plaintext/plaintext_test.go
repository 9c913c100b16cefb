package plaintext

import (
	"bytes"
	"testing"
)

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		text         string
		room, indent int
		want         string
	}{
		{"nothing", "", 10, 2, ""},
		{"it fits to the letter", "the quick", 9, 2, "the quick"},
		{"one too many", "the quicks", 9, 2, "the\n  quicks"},
		{"white space", " the \n quick\t", 20, 2, "the quick"},
		{"a word that is longer", "look into /opt/rocketchat/compose.yml now", 10, 1, "look into\n /opt/rocketchat/compose.yml\n now"},
		{"characters, not bytes", "prüfe größe", 11, 2, "prüfe größe"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Wrap(test.text, test.room, test.indent); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestParagraph(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	Paragraph(&b, "größe  ", "This sentence is as long as it has to be so that it does not fit into one line.")
	want := "größe  This sentence is as long as it has to be so that it does not fit into one\n       line.\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	if got, want := Printable("a\x1b[31mb\r\u202ec\nd\u200b\té"), "a?[31mb??c\nd??é"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
