// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"context"
	"flag"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/controllers"
	"github.com/airlock-dev/airlock/test/model"
)

var (
	modelSequences = flag.Int("model-sequences", 30, "number of random sequences on the real API server")
	modelSteps     = flag.Int("model-steps", 40, "steps of each")
	modelSeed      = flag.Uint64("model-seed", 0, "seed of the first sequence, each further one has the next; 0 for one by the time")
)

// The sequences of test/model once more, fewer of them, where storage, admission and RBAC are not rebuilt but real. What is
// played here is time, the garbage collector, and the operator's wakings.
func TestRandomSequencesOnARealAPIServer(t *testing.T) {
	if err := setUpControllerPeople(); err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: config.OperatorNamespace, Name: model.SecretName}, Data: map[string][]byte{"password": []byte("x")}}
	c, err := newClient(admin)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.IgnoreAlreadyExists(c.Create(t.Context(), secret)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Delete(context.Background(), secret) })
	first := *modelSeed
	if first == 0 {
		first = uint64(time.Now().UnixNano()) % 1_000_000_000
	}
	ctrl.SetLogger(logr.Discard())
	var total model.Stats
	for n := first; n < first+uint64(*modelSequences) && !t.Failed(); n++ {
		w := newWorld(t, func(p *v1alpha1.ExecutionPolicySpec) { *p = model.Spec("") })
		stats, err := model.Play(t.Context(), w.modelCluster(), n, *modelSteps)
		total.Add(stats)
		if err != nil {
			t.Errorf("%v\nagain with: -run TestRandomSequencesOnARealAPIServer -model-sequences=1 -model-seed=%d -model-steps=%d", err, n, *modelSteps)
		}
	}
	t.Logf("sequences from seed %d: %+v", first, total)
}

// modelCluster is this world for the sequences. Its cache is always in order: there is none.
func (w *world) modelCluster() *model.Cluster {
	w.Helper()
	scheme, err := controllers.Scheme()
	w.must(err)
	clients := map[string]client.Client{}
	as := func(name string, groups ...string) client.Client {
		if clients[name] == nil {
			u := user{name: name, groups: groups}
			if name == model.Admin {
				u = admin
			}
			cfg := rest.CopyConfig(u.config())
			cfg.QPS, cfg.Burst = 1000, 1000
			made, err := client.New(cfg, client.Options{Scheme: scheme})
			w.must(err)
			clients[name] = made
		}
		return clients[name]
	}
	bot := model.Bot(w.namespace)
	as(model.Riley, "ctl-requesters", "ctl-approvers")
	as(model.Alice, "ctl-requesters", "ctl-approvers")
	as(model.Bob, "ctl-approvers")
	as(bot, "system:serviceaccounts", "system:serviceaccounts:"+w.namespace, "ctl-approvers")
	operating, collecting := as(operator.name, operator.groups...), as(controller("generic-garbage-collector").name, controller("generic-garbage-collector").groups...)
	cluster := &model.Cluster{
		Namespace: w.namespace, Policy: w.policy.Name, As: func(name string) client.Client { return as(name) },
		Operator: operating, Cached: operating, Sync: func() {}, Clock: w.clock, ServerNow: time.Now,
	}
	cluster.Collect = func(ctx context.Context) error { return model.Collect(ctx, cluster, collecting) }
	w.eventually("everybody has their rights", func() error {
		return as(model.Riley).Create(w.ctx, &v1alpha1.ExecutionRequest{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "first"},
			Spec:       v1alpha1.ExecutionRequestSpec{PolicyName: w.policy.Name, Code: v1alpha1.Code{Language: v1alpha1.Python, Source: "1"}},
		}, client.DryRunAll)
	})
	return cluster
}
