// SPDX-License-Identifier: Apache-2.0

package review

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Everything that an agent can write into a request, and what an approver has to see of it.
func TestHostileTextIsShownAndNotObeyed(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"ANSI colours that hide text (CWE-150)":           {"ok\x1b[8mrm -rf /\x1b[0m", "ok<U+001B>[8mrm -rf /<U+001B>[0m"},
		"ANSI cursor movement":                            {"rm\x1b[2K\x1b[1Gls", "rm<U+001B>[2K<U+001B>[1Gls"},
		"a C1 control sequence introducer":                {"a\u009b2Jb", "a<U+009B>2Jb"},
		"a raw C1 byte":                                   {"a\x9b2Jb", "a<0x9B>2Jb"},
		"OSC 8, a link that shows another address":        {"\x1b]8;;http://evil.example\x1b\\good\x1b]8;;\x1b\\", "<U+001B>]8;;http://evil.example<U+001B>\\good<U+001B>]8;;<U+001B>\\"},
		"OSC 52, which writes the clipboard":              {"\x1b]52;c;cm0gLXJm\x07", "<U+001B>]52;c;cm0gLXJm<U+0007>"},
		"a carriage return that overwrites the line":      {"os.remove('/')\rprint('ok')   ", "os.remove('/')<U+000D>print('ok')   "},
		"backspaces that take letters back":               {"rm\b\bls", "rm<U+0008><U+0008>ls"},
		"a right-to-left override (CVE-2021-42574)":       {"if admin\u202e } {", "if admin<U+202E> } {"},
		"a bidirectional isolate":                         {"\u2066x\u2069", "<U+2066>x<U+2069>"},
		"zero width spaces inside a name":                 {"ev\u200bal", "ev<U+200B>al"},
		"a zero width joiner and a byte order mark":       {"a\u200d\ufeffb", "a<U+200D><U+FEFF>b"},
		"a soft hyphen":                                   {"a\u00adb", "a<U+00AD>b"},
		"a no-break space for a space":                    {"a\u00a0b", "a<U+00A0>b"},
		"tag characters, which spell hidden instructions": {"a\U000e0072\U000e006d", "a<U+E0072><U+E006D>"},
		"variation selectors, which carry hidden bytes":   {"a\ufe0f\U000e0100", "a<U+FE0F><U+E0100>"},
		"fillers of Hangul, which are letters and blank":  {"a\u3164\u115f\uffa0", "a<U+3164><U+115F><U+FFA0>"},
		"a blank of Braille":                              {"a\u2800b", "a<U+2800>b"},
		"a note that is blank, and other fillers":         {"a\U0001d159\u2d7f\U00016fe4", "a<U+1D159><U+2D7F><U+16FE4>"},
		"vowels of Hangul, which take no column":          {"os\u1161\ud7b0", "os<U+1161><U+D7B0>"},
		"a line separator":                                {"a\u2028b", "a<U+2028>b"},
		"private use characters":                          {"\ue000", "<U+E000>"},
		"halves of a flag, which join or do not":          {"\U0001f1e9\U0001f1ea", "<U+1F1E9><U+1F1EA>"},
		"one accent is shown":                             {"e\u0301", "e\u0301"},
		"a mark at the start would stand on our own text": {"\u0301e", "<U+0301>e"},
		"a flood of combining marks":                      {"e" + strings.Repeat("\u0301", 5), "e\u0301\u0301\u0301<U+0301><U+0301>"},
		"wide characters stay":                            {"日本", "日本"},
		"a tab":                                           {"\tx", "    x"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := SafeString(tc.text); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func FuzzSafe(f *testing.F) {
	for _, seed := range []string{"\x1b[2J", "e\u0301\u0301\u0301\u0301", "\u202e", "日本\xff", "a\r\nb", "\u0e33\u1160"} {
		f.Add(seed, 10)
	}
	f.Fuzz(func(t *testing.T, text string, columns int) {
		columns = min(max(columns, 2), 200)
		line := Safe(text, Plain)
		joined := ""
		for _, row := range line.Wrap(columns, false) {
			if row.Width() > columns {
				t.Errorf("a row of %d columns, want at most %d: %q", row.Width(), columns, row)
			}
			joined += row.String()
		}
		if joined != line.String() {
			t.Errorf("wrapping changed %q into %q", line, joined)
		}
		for _, r := range joined {
			if r == utf8.RuneError && !strings.ContainsRune(text, r) || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Errorf("%q has %q", joined, r)
			}
		}
	})
}

func TestAWideFloodKeepsToItsColumns(t *testing.T) {
	for _, row := range Safe(strings.Repeat("漢", 500), Plain).Wrap(41, false) {
		if row.Width() > 41 {
			t.Fatalf("a row has %d columns, want at most 41", row.Width())
		}
	}
}

// A quarter of a megabyte in one line is read by people who did not choose its size.
func TestAVeryLongLineIsShownWhole(t *testing.T) {
	source := strings.Repeat(" ", 120_000) + "os.remove('/data/x')" + strings.Repeat("#", 120_000)
	got := Code(v1alpha1.Code{Language: v1alpha1.Python, Source: source}, v1alpha1.Verdict{Findings: []v1alpha1.Finding{{Decision: v1alpha1.RequireApproval, Operation: "os.remove", Reason: "It deletes.", Line: 1, Column: 120_001}}}, 80, nil)
	text := ""
	for i, l := range got.Lines {
		if l.Width() > 80 {
			t.Fatalf("line %d has %d columns, want at most 80", i, l.Width())
		}
		if !got.IsNote(i) {
			text += l.String()[4:]
		}
	}
	if text != source {
		t.Errorf("the rows join to %d bytes, want the %d of the source", len(text), len(source))
	}
	if len(got.Findings) != 1 || !strings.Contains(got.Lines[got.Findings[0]].String(), "It deletes.") {
		t.Errorf("findings at %v, want one that is shown", got.Findings)
	}
}

func TestCodeBehindBlankLinesComesIntoSight(t *testing.T) {
	source := "print(1)\n" + strings.Repeat("\n", 5000) + "os.remove('/x')\n"
	got := Code(v1alpha1.Code{Language: v1alpha1.Python, Source: source}, v1alpha1.Verdict{}, 80, nil)
	want := []string{"   1 | print(1)", "     | (lines 2 to 5001 are blank)", "5002 | os.remove('/x')"}
	if len(got.Lines) != len(want) {
		t.Fatalf("%d lines, want %d", len(got.Lines), len(want))
	}
	for i, l := range got.Lines {
		if l.String() != want[i] {
			t.Errorf("line %d is %q, want %q", i, l, want[i])
		}
	}
}

// Findings point to the code whatever stands before them, and one on a line that does not exist is not lost.
func TestFindingsStandBelowTheirCharacter(t *testing.T) {
	source := "x = 1\n\tos\u202e.remove('/é')\n"
	finding := func(line, column int32) v1alpha1.Finding {
		return v1alpha1.Finding{Decision: v1alpha1.Deny, Operation: "os.remove", Reason: "No.", Line: line, Column: column}
	}
	got := Code(v1alpha1.Code{Language: v1alpha1.Python, Source: source}, v1alpha1.Verdict{Findings: []v1alpha1.Finding{finding(2, 2), finding(2, 5), finding(0, 0), finding(99, 1), finding(1, 99)}}, 80, nil)
	want := strings.Join([]string{
		"  | ^ is denied: No.",
		"  | ^ is denied: No.",
		"1 | x = 1",
		"  |      ^ is denied: No.",
		"2 |     os<U+202E>.remove('/é')",
		"  |     ^ is denied: No.",
		"  |               ^ is denied: No.",
	}, "\n")
	var text []string
	for _, l := range got.Lines {
		text = append(text, l.String())
	}
	if joined := strings.Join(text, "\n"); joined != want {
		t.Errorf("got\n%s\nwant\n%s", joined, want)
	}
}

// Letters that are written from right to left reorder a line without any control character.
func TestRightToLeftLettersAreAnnounced(t *testing.T) {
	got := Code(v1alpha1.Code{Language: v1alpha1.Python, Source: "x = 'אבג' + 'ok'\n"}, v1alpha1.Verdict{}, 80, nil)
	if len(got.Lines) != 2 || !strings.Contains(got.Lines[1].String(), "right-to-left") {
		t.Errorf("got %v, want a note below the line", got.Lines)
	}
	changes := Changes(&v1alpha1.Subject{Changes: "--- a\n+++ b\n@@ -1 +1 @@\n+x = 'אבג' + 'ok'\n", ChangesFrom: "a"}, 100)
	if last := changes[len(changes)-1].String(); !strings.Contains(last, "right-to-left") {
		t.Errorf("the changes end with %q, want a note below the line", last)
	}
}

func TestALyingPainterChangesNothing(t *testing.T) {
	code := v1alpha1.Code{Language: v1alpha1.Python, Source: "print(1)\n"}
	got := Code(code, v1alpha1.Verdict{}, 80, func(v1alpha1.Language, string) []Style { return []Style{Keyword} })
	if got.Lines[0].String() != "1 | print(1)" {
		t.Errorf("got %q", got.Lines[0])
	}
}

// A verdict lists 32 findings. Harmless ones at the top would push the one that matters off the list.
func TestFindingsBeyondTheListAreAnnouncedAboveTheCode(t *testing.T) {
	total := int32(57)
	verdict := v1alpha1.Verdict{FindingsTotal: &total, Findings: []v1alpha1.Finding{{Decision: v1alpha1.RequireApproval, Operation: "os.remove", Reason: "It deletes.", Line: 1, Column: 1}}}
	got := Code(v1alpha1.Code{Language: v1alpha1.Python, Source: "os.remove('/a')\n"}, verdict, 100, nil)
	if first := got.Lines[0].String(); !strings.Contains(first, "only the first 1 of 57 findings") || !got.IsNote(0) || got.Findings[0] != 0 {
		t.Errorf("the first line is %q, findings at %v", first, got.Findings)
	}
	total = 1
	if got := Code(v1alpha1.Code{Language: v1alpha1.Python, Source: "os.remove('/a')\n"}, verdict, 100, nil).Lines[0].String(); got != "1 | os.remove('/a')" {
		t.Errorf("the first line is %q, want the code", got)
	}
}
