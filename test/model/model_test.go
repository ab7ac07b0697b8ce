// SPDX-License-Identifier: Apache-2.0

package model

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/klog/v2"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/controllers"
	"github.com/airlock-dev/airlock/test/model/apiserver"
)

var (
	sequences = flag.Int("sequences", 500, "number of sequences")
	steps     = flag.Int("steps", 40, "steps of each sequence; fewer are the beginning of the same story")
	seed      = flag.Uint64("seed", 0, "seed of the first sequence, each further one has the next; 0 for one by the time")
)

func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(800) // small worlds, quickly gone
	klog.LogToStderr(false) // every refusal is logged
	klog.SetOutput(io.Discard)
	ctrl.SetLogger(klog.Background())
	os.Exit(m.Run())
}

const namespace = "agents"

var (
	operatorName  = "system:serviceaccount:" + config.OperatorNamespace + ":" + config.ServiceAccount
	collectorName = "system:serviceaccount:kube-system:generic-garbage-collector"
)

// rights are RBAC: riley and alice may request, they, bob and the bot may approve, the stranger may nothing.
type rights struct{}

func (rights) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	who, approver := a.GetUser().GetName(), []string{Riley, Alice, Bob, Bot(namespace)}
	allowed := false
	switch what := a.GetVerb() + " " + a.GetResource(); {
	case who == Admin, who == operatorName, who == collectorName:
		allowed = true
	case a.GetSubresource() != "":
	case what == "patch approvals", what == "delete executiongrants", what == "approve executionpolicies":
		allowed = slices.Contains(approver, who)
	case what == "create executionrequests", what == "use executionpolicies":
		allowed = slices.Contains([]string{Riley, Alice}, who)
	}
	if allowed {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "no rule permits it", nil
}

// newCluster is a cluster in memory, whose API server goes by the operator's clock.
func newCluster(ctx context.Context, rules *apiserver.Rules) (*Cluster, error) {
	scheme, err := controllers.Scheme()
	if err != nil {
		return nil, err
	}
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	server := apiserver.New(rules, clock)
	as := func(name string) client.Client {
		u := apiserver.User{Name: name}
		if name == Bot(namespace) {
			u.UID, u.Groups = "bot-uid", []string{"system:serviceaccounts"}
		}
		return server.Client(u, scheme)
	}
	cached, cache := server.Client(apiserver.User{Name: operatorName}, scheme), &apiserver.Cache{}
	cached.Cache = cache
	c := &Cluster{
		Namespace: namespace, Policy: "model", As: as, Operator: as(operatorName), Cached: cached,
		Sync: func() { cache.Sync(server) }, Clock: clock, ServerNow: clock.Now, Version: server.Version, Tamper: server.Tamper,
	}
	c.Collect = func(ctx context.Context) error { return Collect(ctx, c, as(collectorName)) }
	return c, errors.Join(
		as(Admin).Create(ctx, &v1alpha1.ExecutionPolicy{ObjectMeta: metav1.ObjectMeta{Name: c.Policy}, Spec: Spec(namespace)}),
		as(Admin).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: config.OperatorNamespace, Name: SecretName}, Data: map[string][]byte{"password": []byte("x")}}),
	)
}

func TestNothingIsLaunchedWithoutItsQuorumAndNoDecisionIsLost(t *testing.T) {
	rules, err := apiserver.NewRules(t.Context(), rights{}, namespace, config.OperatorNamespace, config.SandboxNamespace)
	if err != nil {
		t.Fatal(err)
	}
	first := *seed
	if first == 0 {
		first = uint64(time.Now().UnixNano()) % 1_000_000_000
	}
	t.Logf("sequences %d to %d of %d steps (again with -seed=%d)", first, first+uint64(*sequences)-1, *steps, first)
	var total Stats
	var mu sync.Mutex
	var group sync.WaitGroup
	next := make(chan uint64)
	for range 2 {
		group.Go(func() {
			for n := range next {
				stats, err := play(t.Context(), rules, n)
				mu.Lock()
				total.Add(stats)
				if err != nil {
					t.Errorf("%v\nagain with: go test ./test/model -sequences=1 -seed=%d -steps=%d", err, n, *steps)
				}
				mu.Unlock()
			}
		})
	}
	for n := first; n < first+uint64(*sequences) && !t.Failed(); n++ {
		next <- n
	}
	close(next)
	group.Wait()
	t.Logf("%+v", total)
	if *sequences >= 100 && (total.Granted == 0 || total.Launched == total.Granted || total.Refused == 0 || total.Crashes == 0) {
		t.Errorf("the sequences are too tame to show anything: %+v", total)
	}
}

// play plays one sequence. A failing one is played again, shorter and shorter, so that what is printed is the beginning
// that fails.
func play(ctx context.Context, rules *apiserver.Rules, n uint64) (Stats, error) {
	run := func(steps int) (Stats, error) {
		c, err := newCluster(ctx, rules)
		if err != nil {
			return Stats{}, fmt.Errorf("make a cluster: %w", err)
		}
		return Play(ctx, c, n, steps)
	}
	stats, err := run(*steps)
	failure := new(Failure)
	if errors.As(err, &failure) && failure.Step < *steps {
		if _, shorter := run(failure.Step); shorter != nil {
			err = shorter
		}
	}
	return stats, err
}
