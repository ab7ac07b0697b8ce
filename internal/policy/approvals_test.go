// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

func TestApprovalsAreTheMostThatAnythingAsksFor(t *testing.T) {
	remove := v1alpha1.OperationRule{Paths: &v1alpha1.Paths{Delete: []string{"/data/**"}}}
	ledger := v1alpha1.OperationRule{Paths: &v1alpha1.Paths{Delete: []string{"/data/ledger.csv"}}}
	network := v1alpha1.OperationRule{Hosts: []string{"**"}}
	zero, three := int32(0), int32(3)
	spec := testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
		s.RequireApproval = []v1alpha1.ApprovalRule{
			{OperationRule: network},
			{OperationRule: remove, Approvals: 2},
			{OperationRule: ledger, Approvals: 4},
			{OperationRule: remove, Approvals: 1},
		}
		s.Credentials = []v1alpha1.Credential{
			{Name: "default"}, {Name: "open", Approvals: &zero}, {Name: "guarded", Approvals: &three},
		}
	})
	twoAtLeast := spec.DeepCopy()
	twoAtLeast.Approval.Required = 2

	for name, tc := range map[string]struct {
		spec        *v1alpha1.ExecutionPolicySpec
		ops         []gate.Operation
		credentials []string
		want        v1alpha1.Decision
		approvals   int32
	}{
		"nothing asks":                          {spec, []gate.Operation{pathOp(gate.KindFileRead, "/inputs/a")}, nil, v1alpha1.Allow, 0},
		"one rule without a number":             {spec, []gate.Operation{hostOp("x.example")}, nil, v1alpha1.RequireApproval, 1},
		"a rule that says two":                  {spec, []gate.Operation{pathOp(gate.KindFileDelete, "/data/x")}, nil, v1alpha1.RequireApproval, 2},
		"the rule that says most, in any place": {spec, []gate.Operation{pathOp(gate.KindFileDelete, "/data/ledger.csv")}, nil, v1alpha1.RequireApproval, 4},
		"the operation that needs most":         {spec, []gate.Operation{hostOp("x.example"), pathOp(gate.KindFileDelete, "/data/x")}, nil, v1alpha1.RequireApproval, 2},
		"the policy's terms":                    {twoAtLeast, []gate.Operation{hostOp("x.example")}, nil, v1alpha1.RequireApproval, 2},
		"terms do not lower a rule":             {twoAtLeast, []gate.Operation{pathOp(gate.KindFileDelete, "/data/ledger.csv")}, nil, v1alpha1.RequireApproval, 4},
		"a credential of an allowed request":    {spec, nil, []string{"default"}, v1alpha1.RequireApproval, 1},
		"a credential under the terms":          {twoAtLeast, nil, []string{"default"}, v1alpha1.RequireApproval, 2},
		"a credential that nobody agrees to":    {spec, nil, []string{"open"}, v1alpha1.Allow, 0},
		"a guarded credential":                  {spec, []gate.Operation{hostOp("x.example")}, []string{"open", "guarded"}, v1alpha1.RequireApproval, 3},
		"a credential that is not listed":       {spec, nil, []string{"root"}, v1alpha1.Deny, 0},
		"denied code with a credential":         {spec, []gate.Operation{argv("id")}, []string{"guarded"}, v1alpha1.Deny, 0},
	} {
		t.Run(name, func(t *testing.T) {
			v := Judge(complete(tc.ops...), tc.spec, Given{Trust: v1alpha1.Internal, Credentials: tc.credentials})
			if v.Decision != tc.want || v.Approvals != tc.approvals {
				t.Errorf("%s by %d, want %s by %d: %v", v.Decision, v.Approvals, tc.want, tc.approvals, v.Findings)
			}
			if int(*v.FindingsTotal) != len(v.Findings) || (v.Decision == v1alpha1.Allow) != (len(v.Findings) == 0) {
				t.Errorf("%d findings, findingsTotal %d", len(v.Findings), *v.FindingsTotal)
			}
		})
	}
}

// Code that does not spell out what it does must not need fewer people than code that does.
func TestHidingTheArgumentDoesNotLowerTheNumberOfPeople(t *testing.T) {
	unknown, prefix := &gate.Fact{Known: gate.FactUnknown}, &gate.Fact{Known: gate.FactPrefix, Value: "/data/"}
	spec := testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
		s.RequireApproval = []v1alpha1.ApprovalRule{
			{OperationRule: v1alpha1.OperationRule{Unresolved: []v1alpha1.OperationKind{"FileDelete", "Network", "Process"}}},
			{OperationRule: v1alpha1.OperationRule{Calls: []string{"some.function"}}},
			{OperationRule: v1alpha1.OperationRule{Paths: &v1alpha1.Paths{Delete: []string{"/data/ledger/**"}}}, Approvals: 2},
			{OperationRule: v1alpha1.OperationRule{Hosts: []string{"bank.example"}}, Approvals: 3},
			{OperationRule: v1alpha1.OperationRule{Commands: []v1alpha1.Command{{Name: "git", Args: []string{"push"}}}}, Approvals: 4},
		}
	})
	for name, tc := range map[string]struct {
		op        gate.Operation
		approvals int32
	}{
		"the path spelled out":               {pathOp(gate.KindFileDelete, "/data/ledger/a"), 2},
		"a computed path":                    {op(gate.KindFileDelete, "os.remove", gate.Args{Path: unknown}), 2},
		"a path that is half known":          {op(gate.KindFileDelete, "os.remove", gate.Args{Path: prefix}), 2},
		"the directory above":                {pathOp(gate.KindFileDelete, "/data"), 2},
		"a path that no stricter rule is on": {pathOp(gate.KindFileDelete, "/data/other"), 1},
		"a computed host":                    {op(gate.KindNetwork, "urllib.request.urlopen", gate.Args{Host: unknown}), 3},
		"a computed word":                    {op(gate.KindProcess, "subprocess.run", gate.Args{Argv: []gate.Fact{*lit("git"), *unknown}}), 4},
		"a read is not a deletion":           {op(gate.KindFileRead, "some.function", gate.Args{Path: unknown}), 1},
	} {
		t.Run(name, func(t *testing.T) {
			v := Judge(complete(tc.op), spec, Given{Trust: v1alpha1.Internal})
			if v.Decision != v1alpha1.RequireApproval || v.Approvals != tc.approvals {
				t.Errorf("%s by %d, want RequireApproval by %d: %v", v.Decision, v.Approvals, tc.approvals, v.Findings)
			}
		})
	}
}

func TestDeletingTheDirectoryAboveWhatIsAskedForAsks(t *testing.T) {
	for name, tc := range map[string]struct {
		asked, path string
		want        v1alpha1.Decision
	}{
		"the directory itself":                     {"/workspace/keep/**", "/workspace/keep", v1alpha1.RequireApproval},
		"the one above":                            {"/workspace/keep/ledger.csv", "/workspace/keep", v1alpha1.RequireApproval},
		"the one above, two levels":                {"/workspace/keep/**", "/workspace", v1alpha1.RequireApproval},
		"a star in between":                        {"/workspace/*/ledger.csv", "/workspace/a", v1alpha1.RequireApproval},
		"beside it":                                {"/workspace/keep/**", "/workspace/keeper", v1alpha1.Allow},
		"behind two stars nothing is above":        {"/workspace/**/.git", "/workspace/a.csv", v1alpha1.Allow},
		"what is not allowed is denied, not asked": {"/workspace/keep/**", "/", v1alpha1.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			spec := testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
				s.RequireApproval = asks(v1alpha1.OperationRule{Paths: &v1alpha1.Paths{Delete: []string{tc.asked}}})
			})
			if got := Judge(complete(pathOp(gate.KindFileDelete, tc.path)), spec, Given{Trust: v1alpha1.Internal}).Decision; got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestARuleThatAppliesUnlessAllowedAsksAboutTheRest(t *testing.T) {
	rest := v1alpha1.OperationRule{Paths: &v1alpha1.Paths{Read: []string{"/**"}}, Calls: []string{"mystery.**"}}
	spec := func(applies v1alpha1.RuleApplication) *v1alpha1.ExecutionPolicySpec {
		return testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
			s.RequireApproval = []v1alpha1.ApprovalRule{{OperationRule: rest, Applies: applies}}
		})
	}
	allowed, other := pathOp(gate.KindFileRead, "/inputs/a"), pathOp(gate.KindFileRead, "/data/a")
	unknown := op(gate.KindUnknown, "mystery.call", gate.Args{})
	for name, tc := range map[string]struct {
		applies v1alpha1.RuleApplication
		op      gate.Operation
		want    v1alpha1.Decision
	}{
		"an allowed form runs":                           {v1alpha1.AppliesUnlessAllowed, allowed, v1alpha1.Allow},
		"any other form asks":                            {v1alpha1.AppliesUnlessAllowed, other, v1alpha1.RequireApproval},
		"what could not be proven is never allowed":      {v1alpha1.AppliesUnlessAllowed, unknown, v1alpha1.RequireApproval},
		"always outweighs allow":                         {v1alpha1.AppliesAlways, allowed, v1alpha1.RequireApproval},
		"the zero value outweighs allow":                 {"", allowed, v1alpha1.RequireApproval},
		"a value that nobody knows outweighs allow, too": {"Sometimes", allowed, v1alpha1.RequireApproval},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Judge(complete(tc.op), spec(tc.applies), Given{Trust: v1alpha1.Internal}).Decision; got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestAskedForListsWhatPeopleAreAskedAbout(t *testing.T) {
	read, remove, send := pathOp(gate.KindFileRead, "/inputs/a"), pathOp(gate.KindFileDelete, "/data/x"), hostOp("x.example")
	spec := testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
		s.RequireApproval = append(s.RequireApproval, asks(v1alpha1.OperationRule{Hosts: []string{"**"}})...)
	})
	for name, tc := range map[string]struct {
		report *gate.Report
		trust  v1alpha1.Trust
		want   []gate.Operation
	}{
		"the asked-for ones in their order": {complete(send, read, remove), v1alpha1.Internal, []gate.Operation{send, remove}},
		"nothing of allowed code":           {complete(read), v1alpha1.Internal, nil},
		"nothing of denied code":            {complete(remove, argv("id")), v1alpha1.Internal, nil},
		"nothing of code that was not read": {nil, v1alpha1.Internal, nil},
		"by the rules for its trust":        {complete(remove), v1alpha1.Untrusted, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, AskedFor(tc.report, spec, Given{Trust: tc.trust})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTightenNeverLoosens(t *testing.T) {
	decisions := []v1alpha1.Decision{v1alpha1.Allow, v1alpha1.RequireApproval, v1alpha1.Deny, "", "Whatever"}
	for _, was := range decisions {
		for _, added := range decisions {
			v := v1alpha1.Verdict{Decision: was, Approvals: 2}
			got := Tighten(v, 1, v1alpha1.Finding{Decision: added, Operation: "rule", Reason: "Because."})
			if strictness(got.Decision) != max(strictness(was), strictness(added)) {
				t.Errorf("%q and %q: %q", was, added, got.Decision)
			}
			if got.Decision == v1alpha1.RequireApproval && got.Approvals != 2 || got.Decision != v1alpha1.RequireApproval && got.Approvals != 0 {
				t.Errorf("%q and %q: %d approvals", was, added, got.Approvals)
			}
		}
	}
}

// What is harmless in a sandbox that reaches nobody and holds no secret is not
// once the request names one.
func TestARuleForIsolatedSandboxesNeedsOne(t *testing.T) {
	isolated := v1alpha1.OperationRule{Sandbox: v1alpha1.IsolatedSandbox, Unresolved: []v1alpha1.OperationKind{"FileRead"}}
	invented := v1alpha1.OperationRule{Sandbox: "Friendly", Unresolved: []v1alpha1.OperationKind{"FileRead"}}
	unknown := op(gate.KindFileRead, "open", gate.Args{Path: &gate.Fact{}})
	egress := []v1alpha1.EgressTarget{{Host: "api.partner.example", Port: 443}}
	listed := func(s *v1alpha1.ExecutionPolicySpec) {
		s.Credentials = []v1alpha1.Credential{{Name: "open", Approvals: new(int32)}}
		s.Untrusted = nil
	}
	for name, tc := range map[string]struct {
		rules v1alpha1.OperationRules
		given Given
		want  v1alpha1.Decision
	}{
		"an isolated sandbox":              {v1alpha1.OperationRules{Allow: []v1alpha1.OperationRule{isolated}}, Given{Trust: v1alpha1.Internal}, v1alpha1.Allow},
		"with egress":                      {v1alpha1.OperationRules{Allow: []v1alpha1.OperationRule{isolated}}, Given{Trust: v1alpha1.Internal, Egress: egress}, v1alpha1.Deny},
		"with a credential":                {v1alpha1.OperationRules{Allow: []v1alpha1.OperationRule{isolated}}, Given{Trust: v1alpha1.Internal, Credentials: []string{"open"}}, v1alpha1.Deny},
		"with untrusted content":           {v1alpha1.OperationRules{Allow: []v1alpha1.OperationRule{isolated}}, Given{}, v1alpha1.Deny},
		"an invented kind of sandbox":      {v1alpha1.OperationRules{Allow: []v1alpha1.OperationRule{invented}}, Given{Trust: v1alpha1.Internal}, v1alpha1.Deny},
		"asking in an isolated sandbox":    {v1alpha1.OperationRules{RequireApproval: asks(isolated)}, Given{Trust: v1alpha1.Internal}, v1alpha1.RequireApproval},
		"asking with egress":               {v1alpha1.OperationRules{RequireApproval: asks(isolated)}, Given{Trust: v1alpha1.Internal, Egress: egress}, v1alpha1.Deny},
		"an invented kind of sandbox asks": {v1alpha1.OperationRules{RequireApproval: asks(invented)}, Given{Trust: v1alpha1.Internal, Egress: egress}, v1alpha1.RequireApproval},
	} {
		t.Run(name, func(t *testing.T) {
			spec := testPolicy(listed, func(s *v1alpha1.ExecutionPolicySpec) { s.OperationRules = tc.rules })
			if got := Judge(complete(unknown), spec, tc.given); got.Decision != tc.want {
				t.Errorf("%s, want %s: %v", got.Decision, tc.want, got.Findings)
			}
		})
	}
}
