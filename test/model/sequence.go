// SPDX-License-Identifier: Apache-2.0

package model

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/policy"
)

// Sequence is one random story. The same seed tells the same story, and a
// shorter one is its beginning.
type Sequence struct {
	cluster  *Cluster
	rand     *rand.Rand
	ref      *reference
	operator *operator
	trace    []string
	// compared is the version of the server that was compared last.
	compared string
	// broken is the first thing that the operator did and the reference model does not permit.
	broken error
	stats  Stats
}

// Stats count what happened, so that a reader can see that something did.
type Stats struct {
	Accepted, Refused, Forged, Crashes, Consumed, Remembered, Launched, Granted int
}

// Add adds counts.
func (s *Stats) Add(other Stats) {
	s.Accepted += other.Accepted
	s.Refused += other.Refused
	s.Launched += other.Launched
	s.Granted += other.Granted
	s.Consumed += other.Consumed
	s.Forged += other.Forged
	s.Crashes += other.Crashes
	s.Remembered += other.Remembered
}

// Failure is where a sequence and the reference model part.
type Failure struct {
	Seed  uint64
	Step  int
	Trace []string
	Err   error
}

func (f *Failure) Error() string {
	return fmt.Sprintf("seed %d, step %d: %v\n  %s", f.Seed, f.Step, f.Err, strings.Join(f.Trace, "\n  "))
}

func (f *Failure) Unwrap() error { return f.Err }

// Play plays a sequence on a cluster, and returns a *Failure where it is not as
// the reference model says.
func Play(ctx context.Context, c *Cluster, seed uint64, steps int) (Stats, error) {
	s := &Sequence{
		cluster: c, rand: rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // a test that is to be the same again
		ref: &reference{bot: Bot(c.Namespace), requests: map[string]*request{}, approvals: map[string]*question{}, grants: map[string]*memory{}},
	}
	s.operator = newOperator(c, &line{wrote: s.wrote, read: s.meanwhile, shuffle: s.rand.Shuffle})
	fail := func(step int, err error) error { return &Failure{Seed: seed, Step: step, Trace: s.trace, Err: err} }
	if err := errors.Join(s.readPolicy(ctx, variant{required: 1, ruleApprovals: 1, timeout: 60, grants: &v1alpha1.GrantTerms{MaxUses: 3, TTLSeconds: 1800}}), s.settle(ctx)); err != nil {
		return s.stats, fail(0, err)
	}
	for step := 1; step <= steps; step++ {
		what, err := s.step(ctx)
		s.trace = append(s.trace, fmt.Sprintf("%d: %s", step, what))
		if err := errors.Join(err, s.broken, s.compare(ctx)); err != nil {
			return s.stats, fail(step, err)
		}
	}
	err := s.settle(ctx)
	s.trace = append(s.trace, "end: the operator catches up")
	if err := errors.Join(err, s.broken, s.compare(ctx)); err != nil {
		return s.stats, fail(steps, err)
	}
	return s.stats, nil
}

// step does one thing, chosen by weight.
func (s *Sequence) step(ctx context.Context) (string, error) {
	steps := []struct {
		weight int
		do     func(context.Context) (string, error)
	}{
		{14, s.submit}, {34, s.decide}, {7, s.forge}, {3, s.waitSomeTime}, {2, s.changePolicy}, {2, s.deleteRequest}, {2, s.collect},
		{2, s.holdOrRelease}, {4, s.armCrash}, {16, s.lookAtOne}, {18, s.catchUp}, {5, s.syncCaches}, {1, s.withdrawGrant}, {1, s.tamper},
	}
	total := 0
	for _, step := range steps {
		total += step.weight
	}
	n := s.rand.IntN(total)
	for _, step := range steps {
		if n -= step.weight; n < 0 {
			return step.do(ctx)
		}
	}
	return "nothing", nil
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// some returns a random part of a list.
func some[T any](r *rand.Rand, list []T, oneIn int) []T {
	var out []T
	for _, item := range list {
		if r.IntN(oneIn) == 0 {
			out = append(out, item)
		}
	}
	return out
}

// draft makes a request up. Names are few, so that deleted ones are made again.
func (s *Sequence) draft() *request {
	r := &request{
		name: pick(s.rand, []string{"r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"}), who: pick(s.rand, []string{Riley, Riley, Riley, Alice}),
		agent:  pick(s.rand, []string{"", "analyst", "analyst", "analyst"}),
		source: pick(s.rand, sources), egress: some(s.rand, hosts, 6), credentials: some(s.rand, credentials, 6), excuses: map[string]bool{},
	}
	if names := sorted(s.ref.grants); len(names) > 0 && s.rand.IntN(2) == 0 {
		// Like one that was remembered, so that grants are used.
		like := s.ref.grants[pick(s.rand, names)].request
		r.who, r.agent, r.source, r.egress, r.credentials = like.who, like.agent, like.source, some(s.rand, like.egress, 2), some(s.rand, like.credentials, 2)
		if s.rand.IntN(4) == 0 { // and like one that somebody else made
			r.who, r.agent = pick(s.rand, []string{Riley, Alice}), pick(s.rand, []string{"", "coder"})
		}
	}
	return r
}

// submit makes a request.
func (s *Sequence) submit(ctx context.Context) (string, error) {
	r := s.draft()
	who := r.who
	if s.rand.IntN(10) == 0 {
		who = Stranger
	}
	obj := &v1alpha1.ExecutionRequest{Spec: v1alpha1.ExecutionRequestSpec{
		PolicyName: s.cluster.Policy, Code: v1alpha1.Code{Language: v1alpha1.Python, Source: r.source.code},
		Inputs: []v1alpha1.Input{{Name: "prompt", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Internal}},
		Egress: r.egress, Credentials: r.credentials,
	}}
	obj.Namespace, obj.Name = s.cluster.Namespace, r.name
	if r.agent != "" {
		obj.Spec.Agent = &v1alpha1.Agent{Name: r.agent}
	}
	what := fmt.Sprintf("%s submits %q as %s, agent %q, egress %v, credentials %v", who, r.source.name, r.name, r.agent, r.egress, r.credentials)
	taken := false
	for _, other := range s.ref.requests {
		taken = taken || other.name == r.name && !other.gone
	}
	err := s.cluster.As(who).Create(ctx, obj)
	if (err == nil) != (who != Stranger && !taken) {
		return what, fmt.Errorf("the API server says %w", err)
	}
	if err == nil {
		r.uid = string(obj.UID)
		s.ref.requests[r.uid] = r
	}
	return what, nil
}

// readPolicy takes the policy in force over from the API server, which has defaulted it.
func (s *Sequence) readPolicy(ctx context.Context, now variant) error {
	pol := &v1alpha1.ExecutionPolicy{}
	if err := s.cluster.As(Admin).Get(ctx, client.ObjectKey{Name: s.cluster.Policy}, pol); err != nil {
		return fmt.Errorf("read policy: %w", err)
	}
	digest, err := policy.EffectiveDigest(&pol.Spec, nil)
	if err != nil {
		return fmt.Errorf("digest policy: %w", err)
	}
	s.ref.current, s.ref.digest = now, digest
	return nil
}

func (s *Sequence) changePolicy(ctx context.Context) (string, error) {
	v := randomVariant(s.rand)
	what := fmt.Sprintf("the policy becomes %+v", v)
	pol := &v1alpha1.ExecutionPolicy{}
	if err := s.cluster.As(Admin).Get(ctx, client.ObjectKey{Name: s.cluster.Policy}, pol); err != nil {
		return what, fmt.Errorf("read policy: %w", err)
	}
	pol.Spec = v.spec(s.cluster.Namespace)
	if err := s.cluster.As(Admin).Update(ctx, pol); err != nil {
		return what, fmt.Errorf("change policy: %w", err)
	}
	before := s.ref.digest
	if err := s.readPolicy(ctx, v); err != nil {
		return what, err
	}
	if before != s.ref.digest {
		for _, r := range s.ref.requests {
			r.excuses["the policy changed"] = true
		}
	}
	return what, nil
}

func (s *Sequence) deleteRequest(ctx context.Context) (string, error) {
	r := s.anyRequest()
	if r == nil {
		return "nothing to delete", nil
	}
	what := "the administrator deletes " + r.name
	obj := &v1alpha1.ExecutionRequest{}
	obj.Namespace, obj.Name = s.cluster.Namespace, r.name
	if err := s.cluster.As(Admin).Delete(ctx, obj); err != nil {
		return what, fmt.Errorf("delete: %w", err)
	}
	r.gone = true
	return what, nil
}

// anyRequest returns one that exists, nil where there is none.
func (s *Sequence) anyRequest() *request {
	var there []*request
	for _, uid := range sorted(s.ref.requests) {
		if r := s.ref.requests[uid]; !r.gone {
			there = append(there, r)
		}
	}
	if len(there) == 0 {
		return nil
	}
	return pick(s.rand, there)
}

func sorted[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
