// SPDX-License-Identifier: Apache-2.0

// Command airlock is the operator: it judges ExecutionRequests, waits for Approvals, and runs what may run in sandboxes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"time"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/airlock-dev/airlock/controllers"
	"github.com/airlock-dev/airlock/controllers/executionrequest"
	"github.com/airlock-dev/airlock/internal/network"
	"github.com/airlock-dev/airlock/internal/preflight"
)

type settings struct {
	executionrequest.Options
	serviceAccount string
	metricsAddress string
	probeAddress   string
	leaderElection bool
	qps            float64
	audit          controllers.AuditOptions
	log            zap.Options
}

func main() {
	s := parseFlags()
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&s.log)))
	if err := run(s); err != nil {
		fmt.Fprintln(os.Stderr, "airlock:", err)
		os.Exit(1)
	}
}

func parseFlags() settings {
	var s settings
	flag.StringVar(&s.OperatorImage, "operator-image", "", "this operator's own image by digest (name@sha256:...); it brings the runner into the sandbox")
	flag.StringVar(&s.OperatorNamespace, "operator-namespace", "airlock-system", "namespace of the operator and of the Secrets of credentials")
	flag.StringVar(&s.SandboxNamespace, "sandbox-namespace", "airlock-sandboxes", "namespace in which sandbox pods run")
	flag.StringVar(&s.serviceAccount, "service-account", "airlock-operator", "the operator's own service account, which the admission policies name")
	flag.DurationVar(&s.StartTimeout, "start-timeout", 5*time.Minute, "how long a sandbox may take to start, image pull and scheduling included")
	flag.DurationVar(&s.PodRetention, "pod-retention", 10*time.Minute, "how long a finished sandbox pod stays for kubectl logs")
	flag.IntVar(&s.Workers, "workers", 8, "number of requests reconciled at once")
	flag.StringVar(&s.metricsAddress, "metrics-bind-address", ":8080", "address of the metrics endpoint, 0 to switch it off")
	flag.StringVar(&s.probeAddress, "health-probe-bind-address", ":8081", "address of the health probes")
	flag.BoolVar(&s.leaderElection, "leader-elect", true, "let one of several replicas work at a time")
	flag.Float64Var(&s.qps, "kube-api-qps", 200, "requests a second to the API server; the burst is twice that")
	flag.StringVar(&s.audit.Dir, "audit-dir", "/var/lib/airlock/audit", "folder of the audit log, on a volume of its own")
	flag.StringVar(&s.audit.KeyDir, "audit-key-dir", "/etc/airlock/audit", "folder with the audit log's signing-key (Ed25519, PKCS #8 in PEM) and origin")
	flag.StringVar(&s.audit.Address, "audit-bind-address", "127.0.0.1:8082", "loopback address at which auditors read the log through a port-forward, empty to switch it off")
	flag.StringVar(&s.audit.WitnessPolicy, "audit-witness-policy", "", "file with a witness policy in Sigsum's format, empty for no witnesses")
	s.log.BindFlags(flag.CommandLine)
	flag.Parse()
	s.audit.Namespace = s.OperatorNamespace
	return s
}

var imageByDigest = regexp.MustCompile(`^[a-z0-9][a-zA-Z0-9._:/-]*@sha256:[a-f0-9]{64}$`)

func run(s settings) error {
	if !imageByDigest.MatchString(s.OperatorImage) {
		return errors.New("--operator-image must name this operator's image by digest (name@sha256:<64 hex digits>): sandboxes run its runner")
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find a cluster: %w", err)
	}
	config.QPS, config.Burst = float32(s.qps), 2*int(s.qps)
	scheme, err := controllers.Scheme()
	if err != nil {
		return err
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         controllers.CacheOptions(s.SandboxNamespace),
		Metrics:                       metricsserver.Options{BindAddress: s.metricsAddress},
		HealthProbeBindAddress:        s.probeAddress,
		LeaderElection:                s.leaderElection,
		LeaderElectionID:              "operator.airlock.dev",
		LeaderElectionNamespace:       s.OperatorNamespace,
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return fmt.Errorf("set up the manager: %w", err)
	}
	checker, err := preflight.New(preflight.Config{
		Reader: mgr.GetAPIReader(), Writer: mgr.GetClient(), DefaultDeny: network.DefaultDeny(s.SandboxNamespace),
		OperatorNamespace: s.OperatorNamespace, SandboxNamespace: s.SandboxNamespace, ServiceAccount: s.serviceAccount,
	})
	if err != nil {
		return fmt.Errorf("set up the preflight: %w", err)
	}
	log, err := controllers.SetupAudit(mgr, s.audit)
	if err != nil {
		return err
	}
	guard := &controllers.Guard{Checker: checker, Audit: log, Clock: clock.RealClock{}}
	if err := controllers.Setup(mgr, clock.RealClock{}, guard, log, s.Options); err != nil {
		return err
	}
	if err := errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("preflight", guard.Ready)); err != nil {
		return fmt.Errorf("set up the probes: %w", err)
	}
	if err := mgr.Start(ctrl.SetupSignalHandler()); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}
