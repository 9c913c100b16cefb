package svg

import (
	"bytes"
	"crypto/sha256"
	"fmt"
)

// signature is a comment at the end of a picture.
const signature = "<!-- screen "

// Sign adds to a picture what tells it from pictures of another screen: essence
// is the screen without what changes from run to run; see Screen.Without.
// Pictures drawn in another way have another signature as well.
func Sign(picture []byte, essence Screen) []byte {
	sum := sha256.Sum256(Draw(essence))
	return fmt.Appendf(bytes.Clone(picture), "%s%x -->\n", signature, sum[:12])
}

// SameSign tells whether both pictures are signed, with the same signature.
func SameSign(a, b []byte) bool {
	i, j := bytes.LastIndex(a, []byte(signature)), bytes.LastIndex(b, []byte(signature))
	return i >= 0 && j >= 0 && bytes.Equal(a[i:], b[j:])
}
