package tui

import (
	"maps"
	"reflect"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
)

// secretQuestion asks for a secret without which a server cannot be logged in
// to. It is for this run alone; who wants to keep one writes it in the editor.
type secretQuestion struct {
	wanted ui.SecretWanted
	row    int
	input  *input
	// alike are the rows of the others that want one of the same kind, and all
	// says that they get it too.
	alike []int
	all   bool
}

// wordFor is a secret in one word.
func wordFor(k ui.SecretKind) string {
	if k == ui.KeyPassphrase {
		return "passphrase"
	}
	return "password"
}

// askSecret asks for what the chosen server wants.
func (p *servers) askSecret() {
	wanted := *p.sight(p.list.at).found.Secret
	ask := &secretQuestion{wanted: wanted, row: p.list.at, input: newInput(p.c, "", true)}
	for n, s := range p.all() {
		if n == ask.row || !s.wantsSecret() || s.found.Secret.Kind != wanted.Kind {
			continue
		}
		if key := wanted.Kind == ui.KeyPassphrase; !key || s.found.Secret.Of == wanted.Of {
			ask.alike = append(ask.alike, n)
			ask.all = key // one key has one passphrase, whichever server it opens
		}
	}
	p.mode, p.ask = answering, ask
}

// secretKey takes a key while a secret is typed.
func (p *servers) secretKey(k tea.KeyPressMsg) (tea.Cmd, bool) {
	keys := p.c.keys
	switch {
	case key.Matches(k, keys.back):
		p.browse()
	case key.Matches(k, keys.next):
		return p.giveSecret(), true
	case key.Matches(k, keys.form.next) && len(p.ask.alike) > 0:
		p.ask.all = !p.ask.all
	case key.Matches(k, keys.form.reveal):
		p.ask.input.reveal()
	case key.Matches(k, keys.quit, keys.helpTyping, keys.suspend):
		return nil, false
	default:
		p.ask.input.take(k)
	}
	return nil, true
}

// giveSecret tries what was typed. The cursor goes to the next server that wants
// one.
func (p *servers) giveSecret() tea.Cmd {
	ask := p.ask
	p.browse()
	if ask.input.text == "" {
		return nil
	}
	rows := []int{ask.row}
	if ask.all {
		rows = append(rows, ask.alike...)
	}
	w := p.answers().Workspace.Complete()
	typed := maps.Clone(p.c.draft.Typed.Hosts)
	if typed == nil {
		typed = make(map[string]workspace.HostSecrets)
	}
	for _, n := range rows {
		h := w.Hosts[n]
		s := typed[h.Name]
		switch ask.wanted.Kind {
		case ui.SSHPassword:
			s.SSHPassword = ask.input.text
		case ui.KeyPassphrase:
			s.KeyPassphrase = ask.input.text
		case ui.SudoPassword:
			s.SudoPassword = ask.input.text
		}
		typed[h.Name] = s
		delete(p.sights, way(h))
	}
	p.c.draft.Typed.Hosts = typed
	if !ask.all && len(ask.alike) > 0 {
		p.list.move(ask.alike[0] - p.list.at)
	}
	return p.connect()
}

func (p *servers) secretKeys() []keyGroup {
	k := p.c.keys
	all := key.NewBinding(key.WithKeys("tab"), key.WithHelp("tab", "for this one or for all"))
	all.SetEnabled(len(p.ask.alike) > 0)
	enter := key.NewBinding(key.WithKeys("enter"), key.WithHelp("enter", "try it"))
	return []keyGroup{{"A secret", []key.Binding{enter, all, k.form.reveal}}}
}

// sameDraft reports whether nothing was answered in between.
func sameDraft(a, b ui.Draft) bool {
	return reflect.DeepEqual(a.Answers, b.Answers) && reflect.DeepEqual(a.Typed, b.Typed)
}

// compare shows the host keys that wait.
func (p *servers) compare() {
	p.mode, p.keyScroll = comparing, scroll{}
}

// keysKey takes a key while host keys are compared.
func (p *servers) keysKey(k tea.KeyPressMsg) (tea.Cmd, bool) {
	switch {
	case key.Matches(k, p.c.keys.back):
		p.browse()
	case key.Matches(k, p.c.keys.next) && !p.accepting:
		if len(p.keysToAccept()) == 0 {
			p.browse()
			return nil, true
		}
		return p.accept(), true
	default:
		return nil, p.keyScroll.press(k, p.c.keys.list)
	}
	return nil, true
}

func (p *servers) comparingKeys() []keyGroup {
	n := len(p.keysToAccept())
	what := "accept all " + itoa(n)
	if n == 1 {
		what = "accept it"
	}
	enter := key.NewBinding(key.WithKeys("enter"), key.WithHelp("enter", what))
	enter.SetEnabled(n > 0 && !p.accepting)
	l := p.c.keys.list
	return []keyGroup{
		{"Host keys", []key.Binding{enter}},
		{"To scroll", []key.Binding{l.up, l.down, l.pageUp, l.pageDown}},
	}
}
