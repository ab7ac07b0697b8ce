// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/review"
)

// approvals is what the interface needs of a cluster.
type approvals interface {
	load(ctx context.Context, now time.Time) ([]item, []v1alpha1.Approval, error)
	decideOnShown(ctx context.Context, shown *v1alpha1.Approval, decision v1alpha1.DecisionInbox) (*v1alpha1.Approval, error)
}

// page is one of the pages of an Approval.
type page int

const (
	summaryPage page = iota
	codePage
	changesPage
	pages
)

// reloadEvery is how often the Approvals are read again.
const reloadEvery = 5 * time.Second

// model is the state of the interface: the list, or one Approval that is shown.
type model struct {
	ctx           context.Context // of the command: Update takes none
	api           approvals
	now           func() time.Time
	paint         review.Painter
	width, height int

	items   []item
	all     []v1alpha1.Approval
	loaded  bool
	cursor  int
	pending *v1alpha1.Approval // to be shown as soon as everything is read

	shown    *v1alpha1.Approval
	page     page
	lines    [pages][]review.Line
	findings []int // lines of the code page
	top      [pages]int
	seenCode bool

	prompt  *prompt
	busy    bool
	message string
	bad     bool
}

func newModel(ctx context.Context, api approvals, now func() time.Time, paint review.Painter) *model {
	return &model{ctx: ctx, api: api, now: now, paint: paint, width: 80, height: 24}
}

// What happens to the interface beside keys.
type (
	loadedMsg struct {
		items []item
		all   []v1alpha1.Approval
		err   error
	}
	decidedMsg struct {
		after   *v1alpha1.Approval
		verdict v1alpha1.ApprovalVerdict
		err     error
	}
	reloadMsg struct{}
)

// Init implements tea.Model.
func (m *model) Init() tea.Cmd { return tea.Batch(m.load(), reloadLater()) }

func reloadLater() tea.Cmd {
	return tea.Tick(reloadEvery, func(time.Time) tea.Msg { return reloadMsg{} })
}

func (m *model) load() tea.Cmd {
	return func() tea.Msg {
		items, all, err := m.api.load(m.ctx, m.now())
		return loadedMsg{items, all, err}
	}
}

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.layOut()
	case loadedMsg:
		m.take(msg)
	case reloadMsg:
		return m, tea.Batch(m.load(), reloadLater())
	case decidedMsg:
		m.decided(msg)
		return m, m.load()
	case tea.PasteMsg:
		if m.prompt != nil {
			m.prompt.add(msg.Content)
		}
	case tea.KeyPressMsg:
		return m, m.key(msg)
	}
	return m, nil
}

// take shows what was read. What is being decided on stays as it was shown.
func (m *model) take(msg loadedMsg) {
	if msg.err != nil {
		m.say(true, msg.err.Error())
		return
	}
	at := ""
	if m.cursor < len(m.items) {
		at = m.items[m.cursor].approval.Name
	}
	m.items, m.all, m.loaded = msg.items, msg.all, true
	m.cursor = max(0, slices.IndexFunc(m.items, func(i item) bool { return i.approval.Name == at }))
	if m.pending != nil {
		m.open(m.pending)
		m.pending = nil
	}
	if m.shown == nil || m.prompt != nil || m.busy {
		return
	}
	for i := range m.all {
		if a := &m.all[i]; a.ResourceVersion != m.shown.ResourceVersion && sameTerms(a, m.shown) {
			m.shown = a
			m.layOut()
		}
	}
}

func (m *model) say(bad bool, text string) { m.message, m.bad = text, bad }

func (m *model) open(a *v1alpha1.Approval) {
	m.shown, m.page, m.top, m.seenCode = a, summaryPage, [pages]int{}, false
	m.say(false, "")
	m.layOut()
}

// layOut makes the pages for the width of the terminal.
func (m *model) layOut() {
	if m.shown == nil {
		return
	}
	a := m.shown
	var summary []review.Line
	for _, s := range review.Summary(a, m.now(), m.width) {
		summary = append(summary, review.Line{{Text: s.Title, Style: review.Strong}})
		summary = append(summary, s.Lines...)
	}
	listing := review.Code(a.Spec.Subject.Code, a.Spec.Subject.Verdict, m.width, m.paint)
	m.lines = [pages][]review.Line{summary, listing.Lines, review.Changes(&a.Spec.Subject, m.width)}
	m.findings = listing.Findings
	m.scroll(0)
}

func (m *model) key(k tea.KeyPressMsg) tea.Cmd {
	name := k.String()
	switch {
	case name == "ctrl+c":
		return tea.Quit
	case m.busy:
		return nil
	case m.prompt != nil:
		return m.promptKey(k)
	}
	m.say(false, "")
	if m.shown == nil {
		return m.listKey(name)
	}
	return m.approvalKey(name)
}

func (m *model) listKey(name string) tea.Cmd {
	switch name {
	case "q", "esc":
		return tea.Quit
	case "up", "k":
		m.cursor = max(0, m.cursor-1)
	case "down", "j":
		m.cursor = max(0, min(len(m.items)-1, m.cursor+1))
	case "enter", "right", "l":
		if m.cursor < len(m.items) {
			m.open(m.items[m.cursor].approval)
		}
	}
	return nil
}

func (m *model) approvalKey(name string) tea.Cmd {
	if m.scrollKey(name) {
		return nil
	}
	switch name {
	case "q":
		return tea.Quit
	case "esc", "backspace":
		m.shown = nil
	case "tab", "right", "l":
		m.turnTo((m.page + 1) % pages)
	case "shift+tab", "left", "h":
		m.turnTo((m.page + pages - 1) % pages)
	case "1", "2", "3":
		m.turnTo(page(name[0] - '1'))
	case "n":
		m.nextFinding()
	case "a":
		m.ask(v1alpha1.Approved)
	case "d":
		m.ask(v1alpha1.Denied)
	case "r":
		m.ask(v1alpha1.Revoked)
	}
	return nil
}

// scrollKey reports whether a key moved the page.
func (m *model) scrollKey(name string) bool {
	distance, ok := map[string]int{
		"up": -1, "k": -1, "down": 1, "j": 1, "pgup": -m.room(), "b": -m.room(), "pgdown": m.room(), "space": m.room(),
		"home": -len(m.lines[m.page]), "g": -len(m.lines[m.page]), "end": len(m.lines[m.page]), "G": len(m.lines[m.page]),
	}[name]
	m.scroll(distance)
	return ok
}

func (m *model) scroll(by int) {
	last := max(0, len(m.lines[m.page])-m.room())
	m.top[m.page] = min(max(0, m.top[m.page]+by), last)
}

// room is how many lines of a page are shown.
func (m *model) room() int { return max(1, m.height-frameLines) }

func (m *model) turnTo(p page) {
	m.page = p
	m.seenCode = m.seenCode || p == codePage
	m.scroll(0)
}

// nextFinding turns to the code and brings the next finding below its line into sight.
func (m *model) nextFinding() {
	m.turnTo(codePage)
	if len(m.findings) == 0 {
		m.say(false, "There are no findings.")
		return
	}
	const above = 3 // the line of the finding, and what stands before it
	for _, at := range m.findings {
		if at-above > m.top[codePage] {
			before := m.top[codePage]
			m.scroll(at - above - before)
			if m.top[codePage] > before {
				return
			}
		}
	}
	m.top[codePage] = 0
	m.scroll(max(0, m.findings[0]-above))
}

// ask starts a decision on what is shown.
func (m *model) ask(verdict v1alpha1.ApprovalVerdict) {
	m.prompt = &prompt{verdict: verdict, approval: m.shown}
}

func (m *model) promptKey(k tea.KeyPressMsg) tea.Cmd {
	p := m.prompt
	switch k.String() {
	case "esc":
		m.prompt = nil
		m.say(false, "Nothing was decided.")
	case "enter":
		return m.enter()
	case "backspace":
		p.remove()
	case "ctrl+u":
		p.clear()
	default:
		p.add(k.Text)
	}
	return nil
}

// enter takes what was typed, and decides where nothing more has to be.
func (m *model) enter() tea.Cmd {
	p := m.prompt
	if why := p.next(); why != "" {
		m.say(true, why)
		return nil
	}
	m.say(false, "")
	if !p.done() {
		return nil
	}
	m.prompt, m.busy = nil, true
	return func() tea.Msg {
		after, err := m.api.decideOnShown(m.ctx, p.approval, v1alpha1.DecisionInbox{Verdict: p.verdict, Reason: &p.reason})
		return decidedMsg{after, p.verdict, err}
	}
}

func (m *model) decided(msg decidedMsg) {
	m.busy = false
	if msg.err != nil {
		m.say(true, msg.err.Error())
		return
	}
	m.shown = msg.after
	m.layOut()
	m.say(false, strings.TrimSpace(recorded(msg.after, msg.verdict)))
}
