// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// desk is the API of one test: what is there, and what was decided.
type desk struct {
	items   []item
	all     []v1alpha1.Approval
	decided []string
	refuse  error
}

func (d *desk) load(context.Context, time.Time) ([]item, []v1alpha1.Approval, error) {
	return d.items, d.all, nil
}

func (d *desk) decideOnShown(_ context.Context, shown *v1alpha1.Approval, decision v1alpha1.DecisionInbox) (*v1alpha1.Approval, error) {
	d.decided = append(d.decided, shown.Name+" "+string(decision.Verdict)+" "+*decision.Reason)
	if d.refuse != nil {
		return nil, d.refuse
	}
	after := shown.DeepCopy()
	after.Spec.Decisions = append(after.Spec.Decisions, v1alpha1.ApproverDecision{Approver: "alice", Verdict: decision.Verdict, Reason: decision.Reason})
	return after, nil
}

// screen drives the interface without a terminal.
type screen struct {
	*testing.T
	*model
	desk *desk
}

func newScreen(t *testing.T, approvals ...*v1alpha1.Approval) *screen {
	t.Helper()
	d := &desk{}
	for _, a := range approvals {
		d.items = append(d.items, item{approval: a})
		d.all = append(d.all, *a)
	}
	s := &screen{t, newModel(t.Context(), d, func() time.Time { return noon }, highlight), d}
	s.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	s.send(s.load()())
	return s
}

// send delivers a message, and what its command answers unless that is a timer.
func (s *screen) send(msg tea.Msg) tea.Cmd {
	s.Helper()
	_, cmd := s.Update(msg)
	s.fits()
	return cmd
}

// keys types keys by name, and whole words.
func (s *screen) keys(keys ...string) (quit bool) {
	s.Helper()
	named := map[string]tea.Key{"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "tab": {Code: tea.KeyTab}, "down": {Code: tea.KeyDown},
		"up": {Code: tea.KeyUp}, "pgdown": {Code: tea.KeyPgDown}, "end": {Code: tea.KeyEnd}, "backspace": {Code: tea.KeyBackspace}, "ctrl+c": {Code: 'c', Mod: tea.ModCtrl}}
	for _, name := range keys {
		pressed, ok := []tea.Key{named[name]}, false
		if _, ok = named[name]; !ok {
			pressed = nil
			for _, r := range name {
				pressed = append(pressed, tea.Key{Code: r, Text: string(r)})
			}
		}
		for _, k := range pressed {
			if cmd := s.send(tea.KeyPressMsg(k)); cmd != nil {
				answer := cmd()
				if _, ok := answer.(tea.QuitMsg); ok {
					return true
				}
				s.send(answer)
			}
		}
	}
	return false
}

// fits fails where a screen is larger than the terminal.
func (s *screen) fits() {
	s.Helper()
	rows := strings.Split(s.View().Content, "\n")
	if len(rows) > s.height {
		s.Fatalf("%d rows on a screen of %d", len(rows), s.height)
	}
	for i, row := range rows {
		if w := ansi.StringWidth(row); w > s.width {
			s.Fatalf("row %d has %d columns on a screen of %d: %q", i, w, s.width, ansi.Strip(row))
		}
	}
}

// plain is the screen as it looks without colours.
func (s *screen) plain() string {
	var out []string
	for row := range strings.SplitSeq(ansi.Strip(s.View().Content), "\n") {
		out = append(out, strings.TrimRight(row, " "))
	}
	return strings.Join(out, "\n") + "\n"
}

func (s *screen) shows(want string) {
	s.Helper()
	if got := s.plain(); !strings.Contains(strings.Join(strings.Fields(got), " "), want) {
		s.Errorf("the screen does not show %q:\n%s", want, got)
	}
}

func (s *screen) has(want ...string) {
	s.Helper()
	if diff := cmp.Diff(want, s.desk.decided); diff != "" {
		s.Errorf("decisions (-want +got):\n%s", diff)
	}
}

func TestTheScreensAt80x24(t *testing.T) {
	s := newScreen(t, anApproval(), anApproval(func(a *v1alpha1.Approval) {
		a.Name, a.UID, a.Spec.Subject.RequestRef.Name = "airlock-0002", "uid-0002", "c-report"
	}))
	s.desk.items[1].whyNotYou = "you asked for it"
	golden(t, "screen-list.txt", s.plain())
	s.keys("enter")
	golden(t, "screen-summary.txt", s.plain())
	s.keys("tab")
	golden(t, "screen-code.txt", s.plain())
	s.keys("3")
	golden(t, "screen-changes.txt", s.plain())
	s.keys("a", "fine")
	golden(t, "screen-reason.txt", s.plain())
}

// The interface keeps to a terminal of any size, with everything that an agent can write.
func TestHostileApprovalsFitOnEveryScreen(t *testing.T) {
	for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 20, Height: 6}, {Width: 2, Height: 1}, {Width: 300, Height: 100}} {
		s := newScreen(t, hostile(), anApproval(func(a *v1alpha1.Approval) { a.Spec.Subject.Code.Source = strings.Repeat("漢\u0301", 5000) }))
		if size.Width < 20 {
			s.width, s.height = size.Width, size.Height // nothing readable fits; it must not crash
		}
		s.send(size)
		for _, key := range []string{"enter", "tab", "end", "n", "n", "3", "end", "a", "why", "esc", "esc", "down", "enter", "2", "pgdown", "r", "x", "enter"} {
			if size.Width >= 20 {
				s.keys(key)
			} else {
				s.Update(tea.KeyPressMsg(tea.Key{Code: rune(key[0]), Text: key}))
				s.View()
			}
			if text := strings.ReplaceAll(ansi.Strip(s.View().Content), "\n", " "); escapes(text) != "" {
				t.Fatalf("the screen passes on %q", text)
			}
		}
	}
}

func TestADecisionNeedsAReason(t *testing.T) {
	s := newScreen(t, anApproval())
	s.keys("enter", "a", "enter")
	s.has()
	s.shows("Say why, for the record.")
	s.keys("onl", "x", "backspace", "y", "enter")
	s.has("airlock-0001 Approved only")
	s.shows("Approved: 1 of 1, so it runs.")
}

func TestDenyAndRevoke(t *testing.T) {
	s := newScreen(t, anApproval())
	s.keys("enter", "d", "no", "enter", "r", "saw it again", "enter")
	s.has("airlock-0001 Denied no", "airlock-0001 Revoked saw it again")
}

func TestEscapeDecidesNothing(t *testing.T) {
	s := newScreen(t, anApproval())
	s.keys("enter", "a", "fine", "esc")
	s.has()
	s.shows("Nothing was decided.")
}

// What destroys needs two people, and is not approved by pressing keys out of habit.
func TestWhatNeedsTwoPeopleIsConfirmedByTyping(t *testing.T) {
	two := anApproval(func(a *v1alpha1.Approval) { a.Spec.Required = 2 })
	s := newScreen(t, two)
	s.keys("enter", "a", "fine", "enter")
	s.has()
	s.shows("2 people have to agree to this. Type b-cleanup to approve:")
	s.keys("yes", "enter")
	s.has()
	s.shows("That is not the name of the request, b-cleanup.")
	s.keys("b-cleanup", "enter")
	s.has("airlock-0001 Approved fine")
	s.shows("Approved: 1 of 2, and it runs when 1 more did.")
	again := newScreen(t, two)
	again.keys("enter", "d", "no", "enter")
	again.has("airlock-0001 Denied no")
}

func TestWhoHasNotOpenedTheCodeIsTold(t *testing.T) {
	s := newScreen(t, anApproval())
	s.keys("enter", "a")
	s.shows("You have not opened the code.")
	s.keys("esc", "2", "a")
	if strings.Contains(s.plain(), "You have not opened the code.") {
		t.Error("the code was opened")
	}
}

// A refusal is read whole, in the words of the API server.
func TestARefusalIsShownWhole(t *testing.T) {
	s := newScreen(t, anApproval())
	s.desk.refuse = errors.New(`approvals.airlock.dev "airlock-0001" is forbidden: ValidatingAdmissionPolicy 'airlock-approval' denied request: user bob may not decide under ExecutionPolicy data-analysis: the RBAC verb "approve" is missing`)
	s.keys("enter", "a", "fine", "enter")
	s.shows(s.desk.refuse.Error())
}

// While a reason is typed, what is decided on stays what was shown, though the name belongs to another Approval by now.
func TestTheApprovalShownIsTheOneDecided(t *testing.T) {
	s := newScreen(t, anApproval())
	s.keys("enter", "a", "fine")
	other := anApproval(func(a *v1alpha1.Approval) {
		a.UID, a.ResourceVersion, a.Spec.Subject.Code.Source = "uid-9999", "2", "import os\n"
	})
	s.desk.items, s.desk.all = []item{{approval: other}}, []v1alpha1.Approval{*other}
	s.send(s.load()())
	s.keys("esc")
	s.send(s.load()())
	s.keys("a", "fine")
	if s.prompt.approval.UID != "uid-0001" || s.shown.UID != "uid-0001" {
		t.Errorf("shown %s, asked about %s, want uid-0001", s.shown.UID, s.prompt.approval.UID)
	}
}

func TestDecisionsOfOthersAppear(t *testing.T) {
	s := newScreen(t, anApproval(func(a *v1alpha1.Approval) { a.Spec.Required = 2 }))
	s.keys("enter")
	s.shows("Pending, 0 of 2 approvals")
	s.desk.all[0].ResourceVersion = "2"
	s.desk.all[0].Spec.Decisions = []v1alpha1.ApproverDecision{{Approver: "bob", Verdict: v1alpha1.Approved}}
	s.send(s.load()())
	s.shows("Pending, 1 of 2 approvals")
}

func TestMovingThroughTheFindings(t *testing.T) {
	s := newScreen(t, anApproval(func(a *v1alpha1.Approval) {
		a.Spec.Subject.Code.Source = strings.Repeat("x = 1\n", 100) + cleanup
		for i := range a.Spec.Subject.Verdict.Findings {
			a.Spec.Subject.Verdict.Findings[i].Line += 100
		}
	}))
	s.keys("enter", "n")
	s.shows("106 | os.remove")
	s.keys("n", "up", "up", "down")
	s.keys("1")
	s.shows("Task, in the requester's words")
}

func TestLeaving(t *testing.T) {
	for name, keys := range map[string][]string{
		"q on the list": {"q"}, "q on an Approval": {"enter", "q"}, "ctrl+c while typing": {"enter", "a", "x", "ctrl+c"}, "esc, esc": {"enter", "esc", "esc"},
	} {
		if !newScreen(t, anApproval()).keys(keys...) {
			t.Errorf("%s: it stays", name)
		}
	}
}

func TestAnEmptyListSaysSo(t *testing.T) {
	s := newScreen(t)
	s.keys("enter", "down", "up")
	s.shows("Nothing waits for a decision in this namespace.")
}

// What a narrow terminal leaves out is announced: a long name must not hide that there is more to read.
func TestANarrowTerminalSaysWhatItCuts(t *testing.T) {
	s := newScreen(t, anApproval(func(a *v1alpha1.Approval) { a.Spec.Subject.RequestRef.Name = strings.Repeat("long-", 40) }))
	s.send(tea.WindowSizeMsg{Width: 50, Height: 12})
	s.keys("enter")
	rows := strings.Split(s.plain(), "\n")
	if !strings.HasSuffix(rows[0], cutMark) || !strings.Contains(rows[1], "lines 1-") {
		t.Errorf("the screen begins with\n%s\n%s", rows[0], rows[1])
	}
}
