// SPDX-License-Identifier: Apache-2.0

// Command bench measures what one execution costs on a real control plane with simulated nodes, beside bare Pods and Jobs
// in the same run. hack/bench.sh starts the control plane and builds the operator.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

// options of one benchmark.
type options struct {
	cluster   string // state directory of the cluster
	operator  string // the operator's program
	out       string // JSON results
	workloads []string
	burst     int
	rounds    int
	rate      float64
	steady    time.Duration
	idle      time.Duration
	creators  int
	nodes     int
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseFlags() (options, error) {
	var o options
	var workloads string
	flag.StringVar(&o.cluster, "cluster", "", "state directory of a cluster that was started with --simulated-nodes")
	flag.StringVar(&o.operator, "operator", "", "program of the operator")
	flag.StringVar(&o.out, "out", "", "file for the results as JSON")
	flag.StringVar(&workloads, "workloads", "pod,job,request,approval", "what to measure, in this order in every round")
	flag.IntVar(&o.burst, "burst", 500, "objects of one burst, over all rounds; 0 for none")
	flag.IntVar(&o.rounds, "rounds", 2, "rounds in which the workloads take turns")
	flag.Float64Var(&o.rate, "rate", 20, "objects a second of the steady load")
	flag.DurationVar(&o.steady, "steady", 20*time.Second, "how long the steady load of each workload lasts; 0 for none")
	flag.DurationVar(&o.idle, "idle", 30*time.Second, "how long the operator is watched doing nothing; 0 for not at all")
	flag.IntVar(&o.creators, "creators", 32, "clients that create objects of a burst at once")
	flag.IntVar(&o.nodes, "nodes", 10, "simulated nodes")
	flag.Parse()
	if o.cluster == "" || o.operator == "" {
		return o, errors.New("name -cluster and -operator, or run `make bench`")
	}
	o.workloads = strings.Split(workloads, ",")
	return o, nil
}

func run() error {
	o, err := parseFlags()
	if err != nil {
		return err
	}
	ctrl.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	results, err := b.measure(ctx)
	if err != nil {
		return err
	}
	results.print(os.Stdout)
	if o.out == "" {
		return nil
	}
	return results.save(o.out)
}
