// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
	"github.com/airlock-dev/airlock/internal/policy"
)

const checkHelp = `Read code as the gate does, and judge it under a policy, without a cluster.

Without --policy, code may compute and use files below /workspace, /tmp and
/inputs; known effects elsewhere need an approval. With it, the verdict is the
one that an ExecutionRequest with this code would get, before the organisation
rules that the policy selects: -o rules prints what those are evaluated on, for
"kyverno apply RULES --json FILE".

The exit code is 0 for Allow, 2 for RequireApproval, 3 for Deny, and 1 when
there is no verdict.`

// check holds the flags of the check command.
type check struct {
	policyFile, language, dialect, trust, output, color string
}

func newCheckCommand() *cobra.Command {
	var c check
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Judge a file of code offline",
		Long:  checkHelp,
		Example: `  kubectl airlock check report.py
  kubectl airlock check report.py --policy policy.yaml --trust Internal
  kubectl airlock check query.sql --dialect PostgreSQL -o json
  generate | kubectl airlock check - --language Python -o sarif > findings.sarif`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&c.policyFile, "policy", "", "judge under the ExecutionPolicy in this `FILE`")
	flags.StringVar(&c.language, "language", "", "`LANGUAGE` of the code: Python, Bash, JavaScript, TypeScript or SQL (default: by the name of the file)")
	flags.StringVar(&c.dialect, "dialect", "", "`DIALECT` of SQL: PostgreSQL or MySQL (default: that of the policy's runtime)")
	flags.StringVar(&c.trust, "trust", string(v1alpha1.Untrusted), "`TRUST` of the input that drove the code: Trusted, Internal or Untrusted")
	flags.StringVarP(&c.output, "output", "o", "text", "`FORMAT`: text, json, sarif or rules")
	flags.StringVar(&c.color, "color", "auto", "`WHEN` to colour text: auto, always or never")
	return cmd
}

// checked is the outcome of a check; it is also the JSON output.
type checked struct {
	File    string           `json:"file"`
	Policy  string           `json:"policy"`
	Verdict v1alpha1.Verdict `json:"verdict"`
	Report  *gate.Report     `json:"report"`
	source  []byte
	spec    *v1alpha1.ExecutionPolicySpec
}

func (c check) run(cmd *cobra.Command, file string) error {
	if err := c.validate(); err != nil {
		return err
	}
	lang, err := c.languageOf(file)
	if err != nil {
		return err
	}
	name, spec, err := c.policy(lang)
	if err != nil {
		return err
	}
	source, err := readSource(cmd.InOrStdin(), file)
	if err != nil {
		return err
	}
	report := gate.Read(policy.CodeOf(spec, lang, string(source)))
	out := checked{File: file, Policy: name, Verdict: policy.Judge(report, spec, policy.Given{Trust: v1alpha1.Trust(c.trust)}), Report: report, source: source, spec: spec}
	if err := c.write(cmd.OutOrStdout(), out); err != nil {
		return fmt.Errorf("write the findings: %w", err)
	}
	return codeFor(out.Verdict.Decision)
}

// codeFor gives the exit code of a decision; what is not known denies.
func codeFor(d v1alpha1.Decision) error {
	switch d {
	case v1alpha1.Allow:
		return nil
	case v1alpha1.RequireApproval:
		return exitCode(exitApproval)
	case v1alpha1.Deny:
		return exitCode(exitDeny)
	default:
		return exitCode(exitDeny)
	}
}

// validate checks the flags that have a closed set of values.
func (c check) validate() error {
	for _, f := range []struct {
		name, value string
		allowed     []string
	}{
		{"language", c.language, []string{"", "Python", "Bash", "JavaScript", "TypeScript", "SQL"}},
		{"dialect", c.dialect, []string{"", "PostgreSQL", "MySQL"}},
		{"trust", c.trust, []string{"Trusted", "Internal", "Untrusted"}},
		{"output", c.output, []string{"text", "json", "sarif", "rules"}},
		{"color", c.color, []string{"auto", "always", "never"}},
	} {
		if !slices.Contains(f.allowed, f.value) {
			return fmt.Errorf("--%s %q: use one of %s", f.name, f.value, strings.TrimPrefix(strings.Join(f.allowed, ", "), ", "))
		}
	}
	return nil
}

var extensions = map[string]v1alpha1.Language{
	".py": v1alpha1.Python, ".sh": v1alpha1.Bash, ".bash": v1alpha1.Bash,
	".js": v1alpha1.JavaScript, ".mjs": v1alpha1.JavaScript, ".cjs": v1alpha1.JavaScript,
	".ts": v1alpha1.TypeScript, ".mts": v1alpha1.TypeScript, ".cts": v1alpha1.TypeScript, ".sql": v1alpha1.SQL,
}

// languageOf tells the language by the flag or by the name of the file, never by its content.
func (c check) languageOf(file string) (v1alpha1.Language, error) {
	if c.language != "" {
		return v1alpha1.Language(c.language), nil
	}
	if lang, ok := extensions[strings.ToLower(filepath.Ext(file))]; ok {
		return lang, nil
	}
	return "", fmt.Errorf("%s: its name does not tell the language; give --language", file)
}

// policy reads the policy to judge by, or takes the reference policy.
func (c check) policy(lang v1alpha1.Language) (string, *v1alpha1.ExecutionPolicySpec, error) {
	if c.policyFile == "" {
		if lang == v1alpha1.SQL && c.dialect == "" {
			return "", nil, errors.New("SQL is read in one dialect: give --dialect PostgreSQL or --dialect MySQL, or a --policy whose runtime declares it")
		}
		return "reference policy workspace", policy.Workspace(gate.Dialect(c.dialect)), nil
	}
	pol, err := readPolicy(c.policyFile)
	if err != nil {
		return "", nil, err
	}
	for _, r := range pol.Spec.Runtimes {
		if r.Language == lang && c.dialect != "" && string(r.Dialect) != c.dialect {
			return "", nil, fmt.Errorf("--dialect %s: the %s runtime of policy %s executes %s", c.dialect, lang, pol.Name, r.Dialect)
		}
	}
	if problems := policy.Check(&pol.Spec); len(problems) > 0 {
		return "", nil, fmt.Errorf("%s: policy %s would not be Ready: %w", c.policyFile, pol.Name, problems.ToAggregate())
	}
	if name, message, ok := policy.FailingExample(&pol.Spec, gate.Read, policy.WithoutRules(&pol.Spec)); !ok {
		return "", nil, fmt.Errorf("%s: policy %s would not be Ready, its example %q fails: %s", c.policyFile, pol.Name, name, message)
	}
	return "policy " + pol.Name, &pol.Spec, nil
}

// readSource reads a file, or standard input for "-". One byte more than the
// gate reads is enough for the gate to refuse it.
func readSource(stdin io.Reader, file string) ([]byte, error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file) //nolint:gosec // reading the file that the user names is what the command is for
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	source, err := io.ReadAll(io.LimitReader(in, gate.MaxSourceBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return source, nil
}

func (c check) write(w io.Writer, out checked) error {
	switch c.output {
	case "json":
		return writeJSON(w, out)
	case "sarif":
		return writeSARIF(w, out)
	case "rules":
		pol := &v1alpha1.ExecutionPolicy{ObjectMeta: metav1.ObjectMeta{Name: strings.TrimPrefix(out.Policy, "policy ")}, Spec: *out.spec}
		return writeJSON(w, policy.NewDocument(pol, policy.RequestOfNobody(policy.Given{Trust: out.Verdict.Trust}), out.Report, out.Verdict))
	default:
		return writeText(w, out, c.color == "always" || c.color == "auto" && isTerminal(w))
	}
}

// isTerminal reports whether w is a terminal of somebody who has not asked for
// no colours (https://no-color.org).
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
