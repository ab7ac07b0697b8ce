// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
	"github.com/airlock-dev/airlock/internal/policy"
)

// The decisions on a sample. The code of an errored one could not be read to
// its end, which the verdict denies.
const (
	allowed = "allow"
	asked   = "approval"
	denied  = "deny"
	errored = "error"
)

// policies are the names of the reference policies in the order of the table, and
// of the policy that -policy names.
var policies = []string{"compute", "workspace", "analyst", "given"}

// result is what the gate and the verdict made of one sample.
type result struct {
	ID     any    `json:"id"`
	Corpus string `json:"corpus"`
	Lang   string `json:"lang"`
	Label  string `json:"label,omitempty"`
	// Decision and Reasons are by policy; a reason is "line:column operation: why".
	Decision map[string]string   `json:"decision"`
	Reasons  map[string][]string `json:"reasons,omitempty"`
	// Microseconds is the time for reading the code and for the verdicts.
	Microseconds float64 `json:"microseconds"`
}

// warm are the languages and dialects that have been read before: tables and
// grammars are loaded at first use, which is not the cost of a sample.
var warm = map[string]bool{}

// measurement is how samples are measured.
type measurement struct {
	selection selection
	policy    *v1alpha1.ExecutionPolicySpec // to judge by as well, or nil
	now       func() time.Time
}

// measure reads and judges one sample, if it is one of those to take.
func (m measurement) measure(s sample) (result, bool) {
	code := s.code()
	if key := string(code.Language) + string(code.Dialect); !warm[key] {
		warm[key] = true
		gate.Read(gate.Code{Language: code.Language, Dialect: code.Dialect, Source: []byte("\n")})
	}
	r := result{ID: s.ID, Corpus: s.Corpus, Lang: s.Lang, Label: s.Label, Decision: map[string]string{}, Reasons: map[string][]string{}}
	start := m.now()
	report := gate.Read(code)
	if !m.selection.takes(report) {
		return result{}, false
	}
	verdicts := map[string]v1alpha1.Verdict{
		"compute":   policy.Judge(report, policy.Compute(code.Dialect), policy.Given{Trust: v1alpha1.Internal}),
		"workspace": policy.Judge(report, policy.Workspace(code.Dialect), policy.Given{Trust: v1alpha1.Internal}),
	}
	r.Microseconds = float64(m.now().Sub(start).Nanoseconds()) / 1000
	if code.Language == gate.SQL {
		verdicts["analyst"] = policy.Judge(report, policy.Analyst(code.Dialect), policy.Given{Trust: v1alpha1.Internal})
	}
	if m.policy != nil {
		verdicts["given"] = policy.Judge(report, m.policy, policy.Given{Trust: v1alpha1.Internal})
	}
	for name, v := range verdicts {
		r.Decision[name] = decisionOf(report, v)
		for _, f := range v.Findings {
			r.Reasons[name] = append(r.Reasons[name], fmt.Sprintf("%d:%d %s: %s", f.Line, f.Column, f.Operation, f.Reason))
		}
	}
	return r, true
}

// readPolicy reads a file with one ExecutionPolicy, which has to judge its own
// examples as they expect.
func readPolicy(file string) (*v1alpha1.ExecutionPolicySpec, error) {
	text, err := os.ReadFile(file) //nolint:gosec // reading the file that the user names is what the flag is for
	if err != nil {
		return nil, err
	}
	var pol v1alpha1.ExecutionPolicy
	if err := yaml.UnmarshalStrict(text, &pol); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if name, message, ok := policy.FailingExample(&pol.Spec, gate.Read, nil); !ok {
		return nil, fmt.Errorf("%s: example %q: %s", file, name, message)
	}
	return &pol.Spec, nil
}

func decisionOf(report *gate.Report, v v1alpha1.Verdict) string {
	switch {
	case !report.Complete():
		return errored
	case v.Decision == v1alpha1.Allow:
		return allowed
	case v.Decision == v1alpha1.RequireApproval:
		return asked
	default:
		return denied
	}
}

// printTable prints a row for each policy of each corpus, language and label.
func printTable(w io.Writer, results []result) error {
	groups := map[string][]result{}
	for _, r := range results {
		key := strings.Join([]string{r.Corpus, r.Lang, r.Label}, "\t")
		groups[key] = append(groups[key], r)
	}
	keys := []string{}
	for key := range groups {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	table := tabwriter.NewWriter(w, 2, 8, 2, ' ', 0)
	fmt.Fprintln(table, "CORPUS\tLANGUAGE\tLABEL\tPOLICY\tSAMPLES\tALLOWED\tAPPROVAL\tDENIED\tERRORS\tP50 µs\tP99 µs")
	for _, key := range keys {
		for _, name := range policies {
			if counts := count(groups[key], name); len(counts) > 0 {
				fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%.0f\t%.0f\n", key, name, len(groups[key]),
					counts[allowed], counts[asked], counts[denied], counts[errored], quantile(groups[key], 50), quantile(groups[key], 99))
			}
		}
	}
	return table.Flush()
}

// count counts the decisions under one policy.
func count(results []result, name string) map[string]int {
	counts := map[string]int{}
	for _, r := range results {
		if d := r.Decision[name]; d != "" {
			counts[d]++
		}
	}
	return counts
}

// quantile gives the n-th of a hundred of the times, in microseconds.
func quantile(results []result, n int) float64 {
	times := []float64{}
	for _, r := range results {
		times = append(times, r.Microseconds)
	}
	slices.Sort(times)
	return times[min(len(times)*n/100, len(times)-1)]
}
