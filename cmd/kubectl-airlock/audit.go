// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/airlock-dev/airlock/internal/auditverify"
	"github.com/airlock-dev/airlock/internal/review"
)

const auditHelp = `Read and verify the audit log.

The log is read from the operator through a port-forward, which needs the Role
airlock-audit-reader in the operator's namespace, or from a folder that
"kubectl airlock audit export" wrote.`

// auditor is what the audit commands share.
type auditor struct {
	flags *genericclioptions.ConfigFlags
	// from is a folder with an exported log, empty for the cluster's.
	from     string
	operator string
	output   string
}

func newAuditCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Read and verify the audit log", Long: auditHelp}
	cmd.AddCommand(newAuditListCommand(), newAuditShowCommand(), newAuditVerifyCommand(), newAuditExportCommand())
	return cmd
}

// addTo registers the shared flags.
func (a *auditor) addTo(cmd *cobra.Command) {
	a.flags = newFlags()
	cmd.Flags().StringVar(&a.from, "from", "", "read the log from this `FOLDER`, which export wrote")
	cmd.Flags().StringVar(&a.operator, "operator-namespace", "airlock-system", "`NAMESPACE` of the operator")
	cmd.Flags().StringVarP(&a.output, "output", "o", "text", "`FORMAT`: text, json or yaml")
	_ = cmd.RegisterFlagCompletionFunc("output", fixed(formats...))
	addFlags(cmd, a.flags)
}

// audited is a log that can be read.
type audited struct {
	read auditverify.Source
	// checkpoint and size are what the log says of itself.
	checkpoint []byte
	size       uint64
	// kept are checkpoints from elsewhere than the log, and key its public key as the cluster publishes it.
	kept  [][]byte
	key   string
	close func()
}

// open finds the log.
func (a *auditor) open(ctx context.Context, stderr io.Writer) (*audited, error) {
	if err := checkFormat(a.output); err != nil {
		return nil, err
	}
	log := &audited{close: func() {}}
	if a.from != "" {
		log.read = folder(a.from)
		kept, err := keptIn(a.from)
		if err != nil {
			return nil, err
		}
		log.kept = kept
	} else if err := a.forward(ctx, log, stderr); err != nil {
		return nil, err
	}
	var err error
	if log.checkpoint, err = log.read("checkpoint"); err != nil {
		log.close()
		return nil, fmt.Errorf("read the log's checkpoint: %w", err)
	}
	if log.size, err = auditverify.SizeOf(log.checkpoint); err != nil {
		log.close()
		return nil, err
	}
	return log, nil
}

// forward reads the log from the operator's pod, and what the cluster keeps of it outside the log's volume.
func (a *auditor) forward(ctx context.Context, log *audited, stderr io.Writer) error {
	c, err := connect(a.flags, stderr)
	if err != nil {
		return err
	}
	config, err := a.flags.ToRESTConfig()
	if err != nil {
		return err
	}
	pods := &corev1.PodList{}
	err = c.core.Get().Namespace(a.operator).Resource("pods").Param("labelSelector", "app.kubernetes.io/name=airlock").Do(ctx).Into(pods)
	if err != nil {
		return fmt.Errorf("find the operator: %w", err)
	}
	tunnel, err := tunnelTo(ctx, c, config, pods.Items)
	if err != nil {
		return err
	}
	log.read, log.close = tunnel.read, tunnel.close
	anchor := &corev1.ConfigMap{}
	if err := c.core.Get().Namespace(a.operator).Resource("configmaps").Name("airlock-audit").Do(ctx).Into(anchor); err != nil {
		fmt.Fprintln(stderr, "warning: the checkpoint that is kept outside the log's volume is not compared:", review.SafeString(err.Error()))
		return nil
	}
	log.key = anchor.Data["key"]
	if kept := anchor.Data["checkpoint"]; kept != "" {
		log.kept = append(log.kept, []byte(kept))
	}
	return nil
}

// folder reads files below a folder and nowhere else.
func folder(dir string) auditverify.Source {
	return func(path string) ([]byte, error) {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, err
		}
		defer func() { _ = root.Close() }()
		return root.ReadFile(filepath.FromSlash(path))
	}
}

// keptIn reads the checkpoints of earlier exports.
func keptIn(dir string) ([][]byte, error) {
	paths, err := filepath.Glob(filepath.Join(dir, keptDir, "*"))
	if err != nil {
		return nil, err
	}
	var kept [][]byte
	for _, path := range paths {
		raw, err := os.ReadFile(path) //nolint:gosec // G304: below the folder that the user names
		if err != nil {
			return nil, err
		}
		kept = append(kept, raw)
	}
	return kept, nil
}

// keptDir is where export keeps the checkpoints of earlier exports.
const keptDir = "checkpoints"

// eventName is a record's type without what all have in common.
func eventName(e auditverify.Entry) string {
	return strings.TrimSuffix(strings.TrimPrefix(string(e.Event.Type), "dev.airlock."), ".v1")
}
