// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/airlock-dev/airlock/internal/review"
)

// frameLines are the lines of the screen around a page: two above, two below.
const frameLines = 4

// looks of the styles. The terminal's own sixteen colours suit every theme, and
// bold, faint and reverse are left where there are no colours.
var looks = map[review.Style]lipgloss.Style{
	review.Plain:   lipgloss.NewStyle(),
	review.Dim:     lipgloss.NewStyle().Faint(true),
	review.Strong:  lipgloss.NewStyle().Bold(true),
	review.Good:    lipgloss.NewStyle().Foreground(lipgloss.Green),
	review.Warning: lipgloss.NewStyle().Foreground(lipgloss.Yellow).Bold(true),
	review.Bad:     lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true),
	review.Hidden:  lipgloss.NewStyle().Foreground(lipgloss.Red).Reverse(true),
	review.Keyword: lipgloss.NewStyle().Foreground(lipgloss.Magenta),
	review.Text:    lipgloss.NewStyle().Foreground(lipgloss.Green),
	review.Comment: lipgloss.NewStyle().Foreground(lipgloss.Cyan).Faint(true),
	review.Number:  lipgloss.NewStyle().Foreground(lipgloss.Blue),
	review.Name:    lipgloss.NewStyle().Foreground(lipgloss.Blue).Bold(true),
}

// View implements tea.Model.
func (m *model) View() tea.View {
	screen := m.listScreen
	if m.shown != nil {
		screen = m.approvalScreen
	}
	lines := screen()
	lines = lines[max(0, len(lines)-m.height):] // on a terminal of a few lines, the keys stay
	rows := make([]string, 0, len(lines))
	for _, l := range lines {
		rows = append(rows, m.paintLine(l))
	}
	v := tea.NewView(strings.Join(rows, "\n"))
	v.AltScreen = true
	v.WindowTitle = "kubectl airlock review"
	return v
}

// cutMark stands at the end of a line that the terminal has no room for.
const cutMark = ".."

func (m *model) paintLine(l review.Line) string {
	var b strings.Builder
	if l.Width() > m.width && m.width > len(cutMark)+1 {
		l = append(l.Cut(m.width-len(cutMark)), review.Span{Text: cutMark, Style: review.Warning})
	}
	for _, s := range l.Cut(m.width) {
		b.WriteString(looks[s.Style].Render(s.Text))
	}
	return b.String()
}

func (m *model) listScreen() []review.Line {
	out := []review.Line{
		{{Text: fmt.Sprintf("Approvals that are open: %d", len(m.items)), Style: review.Strong}},
		{{Text: fmt.Sprintf("  %-24s %-16s %-9s %-6s %s", "REQUEST", "REQUESTER", "APPROVALS", "LEFT", "TASK"), Style: review.Dim}},
	}
	room := m.room()
	from := max(0, m.cursor-room+1)
	for i := from; i < min(len(m.items), from+room); i++ {
		out = append(out, m.listRow(i))
	}
	if len(m.items) == 0 {
		text := "Nothing waits for a decision in this namespace."
		if !m.loaded {
			text = "Reading..."
		}
		out = append(out, review.Line{{Text: "  " + text}})
	}
	return m.framed(out, "enter open  up/down move  q quit")
}

func (m *model) listRow(i int) review.Line {
	it := m.items[i]
	s := &it.approval.Spec.Subject
	mark, style, last := "  ", review.Plain, cell(s.Task)
	if it.whyNotYou != "" {
		style, last = review.Dim, "("+it.whyNotYou+")"
	}
	if i == m.cursor {
		mark, style = "> ", review.Strong
	}
	return review.Line{{Text: mark + fmt.Sprintf("%-24s %-16s %-9s %-6s %s", short(s.RequestRef.Name, 24), short(cell(s.Requester.Username), 16),
		fmt.Sprintf("%d/%d", review.Agreed(it.approval), it.approval.Spec.Required), review.Age(it.approval.Spec.ExpiresAt.Sub(m.now())), cell(last)), Style: style}}
}

// short cuts text that is safe already to a column.
func short(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n-2]) + ".."
	}
	return text
}

func (m *model) approvalScreen() []review.Line {
	out := []review.Line{review.Headline(m.shown, m.now()), m.tabs()}
	lines, top := m.lines[m.page], m.top[m.page]
	out = append(out, lines[top:min(len(lines), top+m.room())]...)
	return m.framed(out, "a approve  d deny  r revoke  tab page  n finding  up/down  esc list  q quit")
}

func (m *model) tabs() review.Line {
	names := [pages]string{"1 Summary", "2 Code (" + review.Findings(m.shown.Spec.Subject.Verdict) + ")", "3 Changes"}
	var out review.Line
	for p, name := range names {
		if page(p) == m.page {
			out = append(out, review.Span{Text: "[" + name + "] ", Style: review.Strong})
			continue
		}
		out = append(out, review.Span{Text: " " + name + "  ", Style: review.Dim})
	}
	if lines := len(m.lines[m.page]); lines > m.room() {
		top := m.top[m.page]
		position := review.Span{Text: fmt.Sprintf("  lines %d-%d of %d", top+1, min(lines, top+m.room()), lines), Style: review.Dim}
		if wide := append(out, position); wide.Width() <= m.width {
			return wide
		}
		return append(review.Line{position, {Text: "  "}}, out...) // where there is more to read stays in sight
	}
	return out
}

// framed fills the screen and puts the message or the question, and the keys, at its end.
func (m *model) framed(lines []review.Line, keys string) []review.Line {
	for len(lines) < m.height-2 {
		lines = append(lines, review.Line{})
	}
	lines = lines[:max(0, min(len(lines), m.height-2))]
	style := review.Good
	if m.bad {
		style = review.Bad
	}
	said := review.Safe(m.message, style).Wrap(m.width, true)
	switch {
	case m.busy:
		return append(lines, review.Line{{Text: "Sending the decision..."}}, review.Line{})
	case m.prompt != nil:
		return m.promptLines(lines, said[0])
	case len(said) > 1: // a refusal of the API server is read whole
		lines = lines[:max(0, len(lines)-len(said)+1)]
	}
	lines = append(lines, said...)
	return append(lines, review.Line{{Text: keys, Style: review.Dim}})
}

func (m *model) promptLines(lines []review.Line, said review.Line) []review.Line {
	p := m.prompt
	keys := "enter send  esc cancel"
	if !m.seenCode {
		keys += "   You have not opened the code."
	}
	if said.Width() > 0 {
		keys = said.String()
	}
	// The end of what is typed stays in sight.
	text := review.Safe(p.question()+string(p.typed)+"_", review.Strong).Wrap(m.width, false)
	lines = lines[:max(0, len(lines)-len(text)+1)]
	lines = append(lines, text...)
	return append(lines, review.Line{{Text: keys, Style: review.Warning}})
}
