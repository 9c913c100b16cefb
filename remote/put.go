package remote

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// PutKind says why files could not be put.
type PutKind string

// The kinds of failure. In all of them the files on the host are as they were,
// except for PutOther, where some may be new and the rest old.
const (
	PutDiskFull   PutKind = "no space left"
	PutReadOnly   PutKind = "read-only file system"
	PutPermission PutKind = "permission denied"
	PutNoTool     PutKind = "a tool is missing"
	PutNoOwner    PutKind = "no such user or group"
	// PutObstacle is a directory where a file should be, a file where a
	// directory should be, or a symbolic link that leads out of the directory.
	PutObstacle PutKind = "something is in the way"
	PutCorrupt  PutKind = "damaged on the way"
	PutOther    PutKind = "failed"
)

// PutError is a Put that failed.
type PutError struct {
	Host, Dir string
	Kind      PutKind
	// Text is what the host said.
	Text string
}

func (e *PutError) Error() string {
	var next string
	switch e.Kind {
	case PutDiskFull:
		next = "free some space (df shows where) and run it again"
	case PutReadOnly:
		next = "remount it read-write, or choose another directory"
	case PutPermission:
		next = "choose a directory that the login may write to, or let it use sudo"
	case PutNoTool:
		next = "install it on the host"
	case PutNoOwner:
		next = "create the user on the host"
	case PutObstacle:
		next = "move it away"
	case PutCorrupt, PutOther:
		next = "run it again"
	}
	return fmt.Sprintf("host %s: write files to %s: %s: %s: %s", e.Host, e.Dir, e.Kind, e.Text, next)
}

// putScript takes the umask for directories, the owner, the directory and the
// paths to remove as arguments, and a tar stream with its manifest as the last
// member on stdin. Everything is written and verified in a directory of the
// same file system that only the writer can enter, then renamed into place.
// What a cut run left behind is removed by the next one: the name tells the
// process that made it, by its pid and by when it began, since after a boot
// another has the pid.
const putScript = `u=$1 o=$2 d=$3
shift 3
umask 077
for tool in tar sha256sum; do
	command -v $tool >/dev/null || { echo "rcwz-tool: $tool" >&2; exit 70; }
done
mk() {
	if [ -z "$1" ] || [ -d "$1" ]; then return 0; fi
	mk "${1%/*}"
	(umask "$u" && mkdir -- "$1") || [ -d "$1" ] || exit 70
	if [ -n "$o" ]; then chown -- "$o" "$1"; fi
}
mk "$d"
d=$(cd -- "$d" && pwd -P)
@DEAD@
dead "$d" | while read -r n; do rm -rf -- "$d/$n" 2>/dev/null || :; done
t=$d/.rcwz-$$-$(born $$)
trap 'rm -rf -- "$t"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -- "$t"
cd -- "$t"
tar -xpomf -
[ -f .rcwz-sum ] || { echo "rcwz-corrupt: the stream was cut" >&2; exit 70; }
mv -- .rcwz-sum ..sum
[ ! -s ..sum ] || sha256sum -c ..sum >..log 2>&1 || { grep -v ': OK$' ..log >..bad; echo "rcwz-corrupt: $(head -n 3 ..bad)" >&2; exit 70; }
rm -f -- ..log
if [ -n "$o" ]; then chown -R -- "$o" .; fi
was=
inside() {
	case $1 in */*) up=$d/${1%/*} ;; *) return 0 ;; esac
	[ "$up" != "$was" ] || return 0
	was=$up
	while [ ! -e "$up" ] && [ ! -L "$up" ]; do up=${up%/*}; done
	[ -d "$up" ] || { echo "rcwz-obstacle: $up is not a directory" >&2; exit 70; }
	up=$(cd -- "$up" && pwd -P)
	case $up/ in
	"$d"/*) ;;
	*) echo "rcwz-obstacle: the way to $d/$1 is a symbolic link that leads out of $d" >&2; exit 70 ;;
	esac
}
for f; do inside "$f"; done
while read -r sum f; do
	inside "$f"
	if [ -d "$d/$f" ] && [ ! -L "$d/$f" ]; then
		gone=
		for r; do case $f/ in "$r"/*) gone=1 ;; esac; done
		[ -n "$gone" ] || { echo "rcwz-obstacle: $d/$f is a directory" >&2; exit 70; }
	fi
done <..sum
sync -f . 2>/dev/null || sync
for f; do rm -rf -- "$d/$f"; done
while read -r sum f; do
	case $f in */*) mk "$d/${f%/*}" ;; esac
	mv -f -- "$f" "$d/$f"
done <..sum
sync -f "$d" 2>/dev/null || sync
`

// UploadsLeft is shell text that defines a function dead. It prints the names of
// the directories that uploads to a directory left there, those of uploads under
// way not among them. The next Put to the directory removes them.
const UploadsLeft = `born() {
	b=
	read -r x x x x x x x x x x x x x x x x x x x x x b x <"/proc/$1/stat" || :
	echo "$b"
} 2>/dev/null
dead() {
	for t in "$1"/.rcwz-[0-9]*; do
		[ -d "$t" ] || continue
		n=${t##*/.rcwz-}
		case $n in
		*-*) [ -z "$(born "${n%%-*}")" ] || [ "$(born "${n%%-*}")" != "${n#*-}" ] || continue ;;
		*) [ ! -d "/proc/$n" ] || continue ;;
		esac
		echo ".rcwz-$n"
	done
}`

// Put implements Host.
func (r *runner) Put(ctx context.Context, dir string, files []File, opt PutOptions) error {
	stream, err := putStream(dir, files, opt)
	if err != nil {
		return fmt.Errorf("host %s: write files to %s: %w", r.name, dir, err)
	}
	dirMode := opt.DirMode
	if dirMode == 0 {
		dirMode = 0o755
	}
	args := append([]string{fmt.Sprintf("%04o", 0o777&^dirMode.Perm()), opt.Owner, path.Clean(dir)}, opt.Remove...)
	res, err := r.Run(ctx, Command{Script: strings.Replace(putScript, "@DEAD@", UploadsLeft, 1), Args: args, Stdin: bytes.NewReader(stream), Root: opt.Root})
	if err != nil {
		return fmt.Errorf("write files to %s: %w", dir, err)
	}
	if res.Code != 0 {
		return &PutError{Host: r.name, Dir: dir, Kind: putKind(res.Stderr), Text: putText(res)}
	}
	return nil
}

func putKind(text string) PutKind {
	for _, m := range []struct {
		part string
		kind PutKind
	}{
		{"No space left on device", PutDiskFull},
		{"Disk quota exceeded", PutDiskFull},
		{"Read-only file system", PutReadOnly},
		{"rcwz-tool:", PutNoTool},
		{"rcwz-corrupt:", PutCorrupt},
		{"rcwz-obstacle:", PutObstacle},
		{"File exists", PutObstacle},
		{"Not a directory", PutObstacle},
		{"invalid user", PutNoOwner},
		{"invalid group", PutNoOwner},
		{"unknown user", PutNoOwner},
		{"Permission denied", PutPermission},
		{"Operation not permitted", PutPermission},
	} {
		if strings.Contains(text, m.part) {
			return m.kind
		}
	}
	return PutOther
}

// putText is the line that says what went wrong: the first, as what follows
// it is its consequence.
func putText(res Result) string {
	text := strings.TrimSpace(res.Stderr)
	if text == "" {
		return fmt.Sprintf("exit status %d", res.Code)
	}
	line, _, _ := strings.Cut(text, "\n")
	for _, mark := range []string{"rcwz-tool: ", "rcwz-corrupt: ", "rcwz-obstacle: "} {
		line = strings.TrimPrefix(line, mark)
	}
	return line
}

// putStream is the tar stream for Put. Files whose name begins with ".env"
// come last: whoever finds the .env in place finds everything in place.
func putStream(dir string, files []File, opt PutOptions) ([]byte, error) {
	if !path.IsAbs(dir) || path.Clean(dir) == "/" {
		return nil, fmt.Errorf("%q is not the absolute path of a directory below /", dir)
	}
	if err := plainText(dir); err != nil {
		return nil, err
	}
	if err := plainText(opt.Owner); err != nil {
		return nil, err
	}
	if strings.HasPrefix(opt.Owner, "-") {
		return nil, fmt.Errorf("%q is not user:group", opt.Owner)
	}
	for _, p := range opt.Remove {
		if err := validPath(p); err != nil {
			return nil, err
		}
	}
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b File) int { return cmp.Compare(late(a), late(b)) })
	seen := map[string]bool{}
	var manifest strings.Builder
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	add := func(name string, mode fs.FileMode, content []byte) error {
		h := &tar.Header{
			Typeflag: tar.TypeReg, Name: name, Mode: int64(mode.Perm()), Size: int64(len(content)),
			ModTime: time.Unix(0, 0), Format: tar.FormatGNU, // ustar stops at 255 bytes; busybox reads GNU's long names
		}
		if err := w.WriteHeader(h); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		_, err := w.Write(content)
		return err //nolint:wrapcheck // a Buffer never fails
	}
	for _, f := range files {
		if err := validPath(f.Path); err != nil {
			return nil, err
		}
		if seen[f.Path] {
			return nil, fmt.Errorf("%s is there twice", f.Path)
		}
		seen[f.Path] = true
		if f.Mode.Perm() == 0 || f.Mode&^fs.ModePerm != 0 {
			return nil, fmt.Errorf("%s: %v is not the mode of a regular file", f.Path, f.Mode)
		}
		if err := add(f.Path, f.Mode, f.Content); err != nil {
			return nil, err
		}
		sum := sha256.Sum256(f.Content)
		manifest.WriteString(hex.EncodeToString(sum[:]) + "  " + f.Path + "\n")
	}
	if err := add(".rcwz-sum", 0o600, []byte(manifest.String())); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("end the stream: %w", err)
	}
	return buf.Bytes(), nil
}

func late(f File) int {
	if strings.HasPrefix(path.Base(f.Path), ".env") {
		return 1
	}
	return 0
}

// validPath refuses what could leave the directory, what the manifest could
// not carry, and the names that Put itself uses.
func validPath(p string) error {
	switch {
	case p == "" || p == "." || !fs.ValidPath(p):
		return fmt.Errorf("%q is not a clean relative path", p)
	case strings.HasPrefix(p, "-"):
		return fmt.Errorf("%q begins with a dash", p)
	case strings.HasPrefix(p, ".rcwz-"), strings.HasPrefix(p, "..sum"), strings.HasPrefix(p, "..log"), strings.HasPrefix(p, "..bad"):
		return fmt.Errorf("%q is a name that is used during the upload", p)
	case strings.HasPrefix(p, " ") || strings.HasSuffix(p, " "):
		return fmt.Errorf("%q begins or ends with a space", p)
	}
	return plainText(p)
}

func plainText(p string) error {
	for _, c := range p {
		if c < ' ' || c == 0x7f || c == '\\' {
			return fmt.Errorf("%q holds a character that a path here may not have", p)
		}
	}
	if len(p) > 1024 {
		return errors.New("a path of more than 1024 bytes")
	}
	return nil
}
