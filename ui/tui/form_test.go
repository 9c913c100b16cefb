package tui

import (
	tea "charm.land/bubbletea/v2"
)

func (p *formPage) Key(k tea.KeyPressMsg) (tea.Cmd, bool) {
	_, taken := p.f.key(k)
	return nil, taken
}

func (p *formPage) Update(msg tea.Msg) tea.Cmd {
	if msg, ok := msg.(tea.PasteMsg); ok {
		p.f.paste(msg)
	}
	return nil
}

func (p *formPage) Render(w, h int) drawing { return p.f.render(w, h) }
func (p *formPage) Keys() []keyGroup        { return p.f.keys() }
func (p *formPage) Typing() bool            { return p.f.typing() }
