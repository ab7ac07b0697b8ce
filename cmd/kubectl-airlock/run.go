// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

const runHelp = `Submit code as an ExecutionRequest, follow it, and print what it printed.

FILE is source code, whose name tells the language, or a manifest (.yaml, .json)
of one ExecutionRequest. Words behind -- are passed to the program.

An --input is name=CONTENT:origin:trust. CONTENT is a file, which is put into a
ConfigMap and mounted at /inputs/name, or configmap/NAME/KEY, or empty for what
only drove the code, such as a prompt. Without inputs nothing is known of where
the code comes from, and the policy's rules for untrusted code hold.

Progress goes to standard error, so that standard output is the program's. The
exit code is the program's, or 3 when the request is denied, 2 when it waits
after --timeout, 1 for an error. Ctrl-C leaves the request as it is.`

// runner holds the flags of the run command.
type runner struct {
	asked
	flags               *genericclioptions.ConfigFlags
	file, output        string
	dryRun, noWait      bool
	timeout             time.Duration
	stdin               io.Reader
	stdout, stderr      io.Writer
	onlyWithSourceFiles []string
}

func newRunCommand() *cobra.Command {
	r := runner{flags: newFlags()}
	cmd := &cobra.Command{
		Use:   "run -f FILE [-- ARGUMENT...]",
		Short: "Submit code, follow it, print its output",
		Long:  runHelp,
		Example: `  kubectl airlock run -f report.py --policy data-analysis --input sales.csv=sales.csv:User:Internal
  kubectl airlock run -f request.yaml --timeout 10m
  generate | kubectl airlock run -f - --language Python --policy pure-compute --input prompt=:User:Internal
  kubectl airlock run -f fetch.py --policy web-research --egress api.partner.example:443 --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
				return fmt.Errorf("%q: name the file with -f, and put the program's arguments behind --", args[0])
			}
			r.args = args
			r.stdin, r.stdout, r.stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			for _, name := range []string{"name", "policy", "language", "dialect", "task", "agent", "input", "egress", "credential", "env"} {
				if cmd.Flags().Changed(name) {
					r.onlyWithSourceFiles = append(r.onlyWithSourceFiles, "--"+name)
				}
			}
			return r.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&r.file, "filename", "f", "", "source code or manifest in this `FILE`, or - for standard input")
	flags.StringVar(&r.policy, "policy", "", "`NAME` of the ExecutionPolicy that judges")
	flags.StringVar(&r.language, "language", "", "`LANGUAGE` of the code (default: by the name of the file)")
	flags.StringVar(&r.dialect, "dialect", "", "`DIALECT` of SQL: PostgreSQL or MySQL (default: that of the policy's runtime)")
	flags.StringVar(&r.task, "task", "", "what the code is for, in `WORDS`, shown to approvers")
	flags.StringVar(&r.agent, "agent", "", "`NAME` of the agent that wrote the code, for the record")
	flags.StringVar(&r.name, "name", "", "`NAME` of the request (default: made from that of the file)")
	flags.StringArrayVar(&r.inputs, "input", nil, "`NAME=CONTENT:ORIGIN:TRUST` of content that drove the code or that it reads; may be repeated")
	flags.StringArrayVar(&r.egress, "egress", nil, "`HOST:PORT` that the code may reach; may be repeated")
	flags.StringArrayVar(&r.credentials, "credential", nil, "`NAME` of a credential of the policy that the code gets; may be repeated")
	flags.StringArrayVar(&r.env, "env", nil, "`NAME=VALUE` in the program's environment; may be repeated")
	flags.BoolVar(&r.dryRun, "dry-run", false, "stop after the verdict: 0 for Allow, 2 for RequireApproval, 3 for Deny")
	flags.BoolVar(&r.noWait, "no-wait", false, "print the name of the request and leave")
	flags.DurationVar(&r.timeout, "timeout", 0, "leave after this long, for example 10m (default: follow to the end)")
	flags.StringVarP(&r.output, "output", "o", "text", "`FORMAT`: text, json or yaml (the finished request)")
	_ = cmd.MarkFlagRequired("filename")
	_ = cmd.RegisterFlagCompletionFunc("policy", completePolicies(r.flags))
	_ = cmd.RegisterFlagCompletionFunc("language", fixed("Python", "Bash", "JavaScript", "TypeScript", "SQL"))
	_ = cmd.RegisterFlagCompletionFunc("dialect", fixed("PostgreSQL", "MySQL"))
	_ = cmd.RegisterFlagCompletionFunc("output", fixed(formats...))
	addFlags(cmd, r.flags)
	return cmd
}

func (r *runner) run(ctx context.Context) error {
	if err := checkFormat(r.output); err != nil {
		return err
	}
	req, inputs, err := r.prepare()
	if err != nil {
		return err
	}
	c, err := connect(r.flags, r.stderr)
	if err != nil {
		return err
	}
	if req.Namespace == "" {
		req.Namespace = c.namespace
	}
	if r.dryRun {
		req.Spec.Mode = v1alpha1.DryRun
	}
	if err := r.saveInputs(ctx, c, req, inputs); err != nil {
		return err
	}
	if req, err = c.create(ctx, req); err != nil {
		return err
	}
	if r.noWait {
		return r.write(req)
	}
	fmt.Fprintf(r.stderr, "request %s in namespace %s was created\n", req.Name, req.Namespace)
	return r.follow(ctx, c, req)
}

// prepare reads all files, before anything is created.
func (r *runner) prepare() (*v1alpha1.ExecutionRequest, []input, error) {
	if isManifest(r.file) {
		text, err := os.ReadFile(r.file)
		if err != nil {
			return nil, nil, err
		}
		if len(r.onlyWithSourceFiles) > 0 || len(r.args) > 0 {
			return nil, nil, fmt.Errorf("%s is a manifest and says everything itself: leave out %v and arguments", r.file, r.onlyWithSourceFiles)
		}
		req, err := readManifest(r.file, text)
		return req, nil, err
	}
	if r.policy == "" {
		return nil, nil, errors.New("name the policy that judges with --policy (kubectl get executionpolicies lists them)")
	}
	source, err := readSource(r.stdin, r.file)
	if err != nil {
		return nil, nil, err
	}
	req, err := r.request(r.file, string(source))
	if err != nil {
		return nil, nil, err
	}
	inputs := make([]input, 0, len(r.inputs))
	for _, text := range r.inputs {
		in, err := parseInput(text)
		if err != nil {
			return nil, nil, err
		}
		inputs = append(inputs, in)
	}
	return req, inputs, nil
}

// maxInput is what the operator takes as the content of all inputs.
const maxInput = 1 << 20

// saveInputs puts the contents of files into ConfigMaps. They are not deleted
// with the request: the record of what it read stays until somebody does.
func (r *runner) saveInputs(ctx context.Context, c *cluster, req *v1alpha1.ExecutionRequest, inputs []input) error {
	for _, in := range inputs {
		if in.file != "" {
			content, err := os.ReadFile(in.file)
			if err != nil {
				return err
			}
			if len(content) > maxInput {
				return fmt.Errorf("%s has %d bytes; the inputs of a request have at most %d together", in.file, len(content), maxInput)
			}
			name, err := c.saveInput(ctx, namePrefix(in.file), in.Name, content)
			if err != nil {
				return err
			}
			fmt.Fprintf(r.stderr, "configmap %s was created for the input %s; delete it when the request is finished\n", name, in.Name)
			in.ConfigMapRef = &v1alpha1.ConfigMapKey{Name: name, Key: in.Name}
			in.Digest = digestOf(content)
		}
		req.Spec.Inputs = append(req.Spec.Inputs, in.Input)
	}
	return nil
}

func (r *runner) write(req *v1alpha1.ExecutionRequest) error {
	if r.output != "text" {
		return writeObject(r.stdout, r.output, req)
	}
	fmt.Fprintln(r.stdout, req.Name)
	return nil
}

// follow follows the request and prints its result.
func (r *runner) follow(ctx context.Context, c *cluster, req *v1alpha1.ExecutionRequest) error {
	if r.timeout > 0 {
		bounded, cancel := context.WithTimeoutCause(ctx, r.timeout, errTimeout)
		defer cancel()
		ctx = bounded
	}
	req, err := c.follow(ctx, r.stderr, req)
	if err != nil {
		return left(r.stderr, req, err)
	}
	if r.output != "text" {
		if err := writeObject(r.stdout, r.output, req); err != nil {
			return err
		}
		return exitOf(req)
	}
	writeResult(r.stdout, r.stderr, req.Status.Result)
	return exitOf(req)
}

// left says how to go on with a request that nobody follows any more.
func left(stderr io.Writer, req *v1alpha1.ExecutionRequest, why error) error {
	interrupted, over := errors.Is(why, context.Canceled), errors.Is(why, errTimeout)
	if !interrupted && !over {
		return why
	}
	fmt.Fprintf(stderr, `The request %[1]s is %[2]s and goes on without you.
  to follow it:    kubectl airlock logs -f %[1]s -n %[3]s
  to see why:      kubectl airlock explain %[1]s -n %[3]s
  to withdraw it:  kubectl delete executionrequest %[1]s -n %[3]s
`, req.Name, stateOf(req), req.Namespace)
	if interrupted {
		return exitCode(exitInterrupted)
	}
	return exitCode(exitApproval)
}
