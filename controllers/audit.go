// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"os"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/airlock-dev/airlock/internal/auditlog"
)

// AuditOptions say where the audit log is kept.
type AuditOptions struct {
	// Dir is the log's folder on a volume.
	Dir string
	// KeyDir holds the signing key and the origin.
	KeyDir string
	// Address is where the log's files are served, a loopback address, empty for nowhere.
	Address string
	// WitnessPolicy is a file with a policy in Sigsum's format, empty for no witnesses.
	WitnessPolicy string
	// Namespace is where the last checkpoint is kept, outside the volume.
	Namespace string
}

// +kubebuilder:rbac:groups="",namespace=operator,resources=configmaps,verbs=patch

// SetupAudit registers the audit log with the manager. Only a leader opens it; all serve it.
func SetupAudit(mgr ctrl.Manager, opts AuditOptions) (*auditlog.Log, error) {
	key, err := auditlog.LoadKey(opts.KeyDir)
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	var witnesses []byte
	if opts.WitnessPolicy != "" {
		if witnesses, err = os.ReadFile(opts.WitnessPolicy); err != nil {
			return nil, fmt.Errorf("audit log: read witness policy: %w", err)
		}
	}
	log, err := auditlog.New(auditlog.Config{
		Dir: opts.Dir, Key: key, Witnesses: witnesses, Clock: clock.RealClock{}, Log: ctrl.Log.WithName("audit"),
		Anchor: &auditlog.ConfigMap{Reader: mgr.GetAPIReader(), Writer: mgr.GetClient(), Namespace: opts.Namespace, Key: key.Public},
		Places: auditlog.PlacesOf(mgr.GetClient()),
	})
	if err != nil {
		return nil, err
	}
	if err := mgr.Add(log); err != nil {
		return nil, fmt.Errorf("add the audit log: %w", err)
	}
	if err := mgr.Add(&auditlog.Server{Address: opts.Address, Dir: opts.Dir}); err != nil {
		return nil, fmt.Errorf("add the audit log's server: %w", err)
	}
	return log, nil
}
