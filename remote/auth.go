package remote

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// maxKeys is how many keys are offered at most: sshd's MaxAuthTries is 6, and
// the password may need one of them.
const maxKeys = 5

// AuthError is a login that was refused.
type AuthError struct {
	Host, Addr, User string
	// Tried are the methods that were used, Offered those that the host would
	// have taken at the end; both in SSH's words: publickey, password,
	// keyboard-interactive.
	Tried, Offered []string
	// Keys is how many keys were shown.
	Keys int
	// NeedPassword is true when the host takes a password and none was given.
	NeedPassword bool
	// Passphrase names a key file that was left out for want of its
	// passphrase.
	Passphrase string
	Err        error
}

func (e *AuthError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "host %s: %s does not let %s in: permission denied", e.Host, e.Addr, e.User)
	tried := slices.DeleteFunc(slices.Clone(e.Tried), func(m string) bool {
		return m == "none" || e.NeedPassword && (m == "password" || m == "keyboard-interactive")
	})
	switch {
	case len(tried) > 0 && e.Keys > 0:
		fmt.Fprintf(&b, " (tried %s, %d of the keys)", strings.Join(tried, ", "), e.Keys)
	case len(tried) > 0:
		fmt.Fprintf(&b, " (tried %s)", strings.Join(tried, ", "))
	default:
		b.WriteString(" (there was no key and no password to try)")
	}
	if len(e.Offered) > 0 {
		fmt.Fprintf(&b, "; it takes %s", strings.Join(e.Offered, ", "))
	}
	text := ""
	if e.Err != nil {
		text = e.Err.Error()
	}
	switch {
	case strings.Contains(text, "oo many authentication failures"):
		b.WriteString(": too many keys were tried: name the right one as identity file")
	case e.Passphrase != "":
		fmt.Fprintf(&b, ": the key %s needs its passphrase: give it, or load the key into the agent with ssh-add", e.Passphrase)
	case e.NeedPassword:
		b.WriteString(": give the password, or install a key with ssh-copy-id")
	case slices.Contains(e.Tried, "password") || slices.Contains(e.Tried, "keyboard-interactive"):
		b.WriteString(": check user and password; after failed logins newer servers refuse new connections for a while, so wait half a minute before trying again")
	default:
		b.WriteString(": check the user, and that its authorized_keys holds one of the keys")
	}
	return b.String()
}

func (e *AuthError) Unwrap() error { return e.Err }

// PassphraseNeededError is a key file that was asked for by name, has a
// passphrase, and is not in the agent.
type PassphraseNeededError struct{ Host, File string }

func (e *PassphraseNeededError) Error() string {
	return fmt.Sprintf("host %s: the key %s has a passphrase: give it, or load the key into the agent with ssh-add", e.Host, e.File)
}

// PassphraseWrongError is a key file that the given passphrase does not open.
type PassphraseWrongError struct{ Host, File string }

func (e *PassphraseWrongError) Error() string {
	return fmt.Sprintf("host %s: the passphrase does not open the key %s", e.Host, e.File)
}

// KeyFileError is a key file that was asked for by name and cannot be used.
type KeyFileError struct {
	Host, File string
	Err        error
}

func (e *KeyFileError) Error() string {
	return fmt.Sprintf("host %s: the key %s cannot be used: %v", e.Host, e.File, e.Err)
}

func (e *KeyFileError) Unwrap() error { return e.Err }

// login is one attempt to log in to one hop, and what it learned.
type login struct {
	hop     hop
	signers []ssh.Signer
	// locked is a key file that was left out for want of a passphrase.
	locked  string
	tried   []string
	offered []string
	shown   int
	// question is what keyboard-interactive asked and nobody could answer.
	question string
	asked    bool
	agent    net.Conn
}

// prepare reads keys and agent. Close must be called when the login is over:
// the agent signs over a connection.
func prepare(ctx context.Context, h hop) (*login, error) {
	l := &login{hop: h}
	inAgent := l.askAgent(ctx)
	taken := map[string]bool{}
	take := func(s ssh.Signer) {
		if id := string(s.PublicKey().Marshal()); !taken[id] {
			taken[id] = true
			l.signers = append(l.signers, s)
		}
	}
	for i, file := range h.identities {
		if i == h.explicit && !h.identitiesOnly {
			for _, s := range inAgent {
				take(s)
			}
		}
		s, err := l.keyFile(file, inAgent, i < h.explicit)
		if err != nil {
			l.Close()
			return nil, err
		}
		if s != nil {
			take(s)
		}
	}
	if len(l.signers) > maxKeys {
		l.signers = l.signers[:maxKeys]
	}
	return l, nil
}

// Close lets go of the agent.
func (l *login) Close() {
	if l.agent != nil {
		_ = l.agent.Close()
	}
}

// askAgent gives the agent's keys. An agent that does not answer is no error:
// key files and passwords remain.
func (l *login) askAgent(ctx context.Context) []ssh.Signer {
	if l.hop.agent == "" {
		return nil
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", l.hop.agent)
	if err != nil {
		return nil
	}
	l.agent = conn
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		return nil
	}
	return signers
}

// keyFile is the signer for a key file: the agent's, if it has the key, else
// the file's own. Nil means that the file is not there, or locked.
func (l *login) keyFile(file string, inAgent []ssh.Signer, explicit bool) (ssh.Signer, error) {
	// Without the .pub file the private one is read.
	public, _ := os.ReadFile(strings.TrimSuffix(file, ".pub") + ".pub")
	if key, _, _, _, err := ssh.ParseAuthorizedKey(public); err == nil {
		if s := findKey(inAgent, key); s != nil {
			return s, nil
		}
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		if !explicit || errors.Is(err, fs.ErrNotExist) && l.hop.identities[0] != file {
			return nil, nil //nolint:nilnil // ssh, too, passes over key files that are not there
		}
		return nil, &KeyFileError{Host: l.hop.label, File: file, Err: err}
	}
	s, err := ssh.ParsePrivateKey(pem)
	if missing, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		if s := findKey(inAgent, missing.PublicKey); s != nil {
			return s, nil
		}
		if l.hop.auth.KeyPassphrase == "" {
			if explicit && l.hop.auth.Password == "" {
				return nil, &PassphraseNeededError{Host: l.hop.label, File: file}
			}
			l.locked = file
			return nil, nil //nolint:nilnil // the login may succeed without; AuthError names the file if not
		}
		s, err = ssh.ParsePrivateKeyWithPassphrase(pem, []byte(l.hop.auth.KeyPassphrase))
		if err != nil && (errors.Is(err, x509.IncorrectPasswordError) || strings.Contains(err.Error(), "decrypt")) {
			if explicit {
				return nil, &PassphraseWrongError{Host: l.hop.label, File: file}
			}
			l.locked = file
			return nil, nil //nolint:nilnil // as above
		}
	}
	if err != nil {
		if explicit {
			return nil, &KeyFileError{Host: l.hop.label, File: file, Err: err}
		}
		return nil, nil //nolint:nilnil // a default file of another kind
	}
	return s, nil
}

func findKey(signers []ssh.Signer, key ssh.PublicKey) ssh.Signer {
	if key == nil {
		return nil
	}
	want := key.Marshal()
	for _, s := range signers {
		if bytes.Equal(s.PublicKey().Marshal(), want) {
			return s
		}
	}
	return nil
}

var (
	errNoPassword = errors.New("a password is asked for, and none was given")
	errQuestion   = errors.New("the host asks what a password does not answer")
)

// methods are tried in this order. Password and keyboard-interactive answer
// with the same password, once each: servers punish repeated failures.
func (l *login) methods() []ssh.AuthMethod {
	var all []ssh.AuthMethod
	if len(l.signers) > 0 {
		all = append(all, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
			l.shown = len(l.signers)
			return l.signers, nil
		}))
	}
	password := l.hop.auth.Password
	return append(all,
		ssh.PasswordCallback(func() (string, error) {
			if password == "" {
				l.asked = true
				return "", errNoPassword
			}
			return password, nil
		}),
		ssh.KeyboardInteractive(func(_, _ string, questions []string, echos []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i, q := range questions {
				switch {
				case echos[i] || !strings.Contains(strings.ToLower(q), "password"):
					l.question = lastLine(q)
					return nil, errQuestion
				case password == "":
					l.asked = true
					return nil, errNoPassword
				}
				answers[i] = password
			}
			return answers, nil
		}))
}

// observe records how the login goes; it never chooses a method.
func (l *login) observe(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	l.tried, l.offered = c.TriedMethods, c.AllowedMethods
	return nil, nil //nolint:nilnil // asked for by x/crypto: the next method of the list
}

// refused makes an AuthError of a failed login; nil if the failure came
// before the login.
func (l *login) refused(err error) error {
	text := err.Error()
	if !strings.Contains(text, "unable to authenticate") && !strings.Contains(text, "oo many authentication failures") &&
		!errors.Is(err, errNoPassword) && !errors.Is(err, errQuestion) {
		return nil
	}
	if l.question != "" {
		err = fmt.Errorf("it asks %q, which only a person can answer: %w", l.question, err)
	}
	return &AuthError{
		Host: l.hop.label, Addr: l.hop.addr(), User: l.hop.user, Tried: l.tried, Offered: l.offered,
		Keys: l.shown, NeedPassword: l.asked, Passphrase: l.locked, Err: err,
	}
}
