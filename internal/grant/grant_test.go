// SPDX-License-Identifier: Apache-2.0

package grant

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/approval"
	"github.com/airlock-dev/airlock/internal/gate"
)

var (
	now    = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	policy = "sha256:" + strings.Repeat("a", 64)
	hostA  = v1alpha1.EgressTarget{Host: "a.example", Port: 443}
	hostB  = v1alpha1.EgressTarget{Host: "b.example", Port: 443}
)

func candidate(edits ...func(*Candidate)) Candidate {
	c := Candidate{
		Requester: v1alpha1.GrantHolder{Username: "agent-7", UID: "u-7"}, AgentName: "analyst",
		PolicyName: "data", PolicyDigest: policy, Trust: v1alpha1.Internal, Language: v1alpha1.Python, Approvals: 1,
		Operations: []string{"op a", "op b"}, Egress: []v1alpha1.EgressTarget{hostA}, Credentials: []string{"db"},
	}
	for _, edit := range edits {
		edit(&c)
	}
	return c
}

func testGrant(edits ...func(*v1alpha1.ExecutionGrant)) *v1alpha1.ExecutionGrant {
	appr := &v1alpha1.Approval{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "airlock-1", UID: "appr-1"}}
	outcome := approval.Outcome{Approvers: []string{"alice"}, Checkers: []string{"system:serviceaccount:ci:scanner"}, Remember: &v1alpha1.Remembrance{Uses: 2, TTLSeconds: 600}}
	g := New(appr, outcome, candidate(), now)
	g.Status.State = v1alpha1.GrantActive
	for _, edit := range edits {
		edit(g)
	}
	return g
}

func TestAGrantCoversNoMoreThanWasGivenAway(t *testing.T) {
	same := func(*Candidate) {}
	keep := func(*v1alpha1.ExecutionGrant) {}
	used := func(uids ...string) func(*v1alpha1.ExecutionGrant) {
		return func(g *v1alpha1.ExecutionGrant) {
			for _, uid := range uids {
				g.Status = Use(g, uid, now)
			}
		}
	}
	for name, test := range map[string]struct {
		request func(*Candidate)
		grant   func(*v1alpha1.ExecutionGrant)
		at      time.Duration
		want    string // "" for covered
	}{
		"the same":                       {same, keep, 0, ""},
		"fewer operations":               {func(c *Candidate) { c.Operations = c.Operations[:1] }, keep, 0, ""},
		"less egress and no credentials": {func(c *Candidate) { c.Egress, c.Credentials = nil, nil }, keep, 0, ""},
		"more trust":                     {func(c *Candidate) { c.Trust = v1alpha1.Trusted }, keep, 0, ""},
		"one use is left":                {same, used("other"), 0, ""},
		"counted already, by the last":   {same, used("other", "uid-1"), 0, ""},

		"another requester":                    {func(c *Candidate) { c.Requester.Username = "agent-8" }, keep, 0, "another requester"},
		"a requester of the name made anew":    {func(c *Candidate) { c.Requester.UID = "u-8" }, keep, 0, "another requester"},
		"a requester without uid":              {func(c *Candidate) { c.Requester.UID = "" }, keep, 0, "another requester"},
		"nobody":                               {func(c *Candidate) { c.Requester = v1alpha1.GrantHolder{} }, func(g *v1alpha1.ExecutionGrant) { g.Spec.Requester = v1alpha1.GrantHolder{} }, 0, "another requester"},
		"another agent":                        {func(c *Candidate) { c.AgentName = "coder" }, keep, 0, "another agent"},
		"no agent":                             {func(c *Candidate) { c.AgentName = "" }, keep, 0, "another agent"},
		"a changed policy":                     {func(c *Candidate) { c.PolicyDigest = "sha256:" + strings.Repeat("b", 64) }, keep, 0, "policy"},
		"another policy":                       {func(c *Candidate) { c.PolicyName = "other" }, keep, 0, "policy"},
		"less trust":                           {func(c *Candidate) { c.Trust = v1alpha1.Untrusted }, keep, 0, "less trust"},
		"unknown trust on both sides":          {func(c *Candidate) { c.Trust = "Odd" }, func(g *v1alpha1.ExecutionGrant) { g.Spec.Trust = "Odd" }, 0, "less trust"},
		"another language":                     {func(c *Candidate) { c.Language = v1alpha1.Bash }, keep, 0, "language"},
		"more people have to agree":            {func(c *Candidate) { c.Approvals = 2 }, keep, 0, "more people"},
		"an operation more":                    {func(c *Candidate) { c.Operations = append(c.Operations, "op c") }, keep, 0, "operation"},
		"a destination more":                   {func(c *Candidate) { c.Egress = append(c.Egress, hostB) }, keep, 0, "destination"},
		"another port":                         {func(c *Candidate) { c.Egress = []v1alpha1.EgressTarget{{Host: hostA.Host, Port: 80}} }, keep, 0, "destination"},
		"a credential more":                    {func(c *Candidate) { c.Credentials = []string{"db", "root"} }, keep, 0, "credential"},
		"expired to the second":                {same, keep, 600 * time.Second, "expired"},
		"used up":                              {same, used("x", "y"), 0, "not active"},
		"used up, and its state set back":      {same, func(g *v1alpha1.ExecutionGrant) { used("x", "y")(g); g.Status.State = v1alpha1.GrantActive }, 0, "used 2 times"},
		"not activated":                        {same, func(g *v1alpha1.ExecutionGrant) { g.Status.State = "" }, 0, "not active"},
		"marked as expired":                    {same, func(g *v1alpha1.ExecutionGrant) { g.Status.State = v1alpha1.GrantExpired }, 0, "not active"},
		"a state of a later version":           {same, func(g *v1alpha1.ExecutionGrant) { g.Status.State = "Paused" }, 0, "not active"},
		"being deleted":                        {same, func(g *v1alpha1.ExecutionGrant) { g.DeletionTimestamp = &metav1.Time{Time: now} }, 0, "withdrawn"},
		"operations that are not those signed": {same, func(g *v1alpha1.ExecutionGrant) { g.Spec.Operations = append(g.Spec.Operations, "op c") }, 0, "operation"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Refuses(testGrant(test.grant), candidate(test.request), "uid-1", now.Add(test.at))
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("refuses with %q, want %q", got, test.want)
			}
		})
	}
}

func TestAUseIsCountedOncePerRequest(t *testing.T) {
	g := testGrant()
	for _, step := range []struct {
		uid, used string
		state     v1alpha1.GrantState
	}{{"a", "1/2", v1alpha1.GrantActive}, {"a", "1/2", v1alpha1.GrantActive}, {"b", "2/2", v1alpha1.GrantUsedUp}, {"b", "2/2", v1alpha1.GrantUsedUp}} {
		g.Status = Use(g, step.uid, now)
		if g.Status.Used != step.used || g.Status.State != step.state {
			t.Errorf("after %s: %+v, want %s and %s", step.uid, g.Status, step.used, step.state)
		}
	}
}

func TestWhatWasTakenAwayIsNotGranted(t *testing.T) {
	outcome := approval.Outcome{Approvers: []string{"alice"}, Remember: &v1alpha1.Remembrance{Uses: 2, TTLSeconds: 600},
		Dropped: &v1alpha1.Narrowing{Egress: []v1alpha1.EgressTarget{hostA}, Credentials: []string{"db"}}}
	g := New(&v1alpha1.Approval{}, outcome, candidate(), now)
	g.Status.State = v1alpha1.GrantActive
	if len(g.Spec.Egress) != 0 || len(g.Spec.Credentials) != 0 {
		t.Errorf("grants %v and %v", g.Spec.Egress, g.Spec.Credentials)
	}
	if got := Refuses(g, candidate(), "uid-1", now); got == "" {
		t.Error("it covers the request that was narrowed")
	}
}

func fact(value string) *gate.Fact { return &gate.Fact{Known: gate.FactLiteral, Value: value} }

func TestOnlyWhatIsWrittenOutCanBeRemembered(t *testing.T) {
	unknown, prefix := &gate.Fact{Known: gate.FactUnknown}, &gate.Fact{Known: gate.FactPrefix, Value: "/data/"}
	call := func(kind gate.Kind, args gate.Args) gate.Operation {
		return gate.Operation{Language: gate.Python, Kind: kind, Form: gate.FormCall, Name: "x.y", Args: args}
	}
	for name, test := range map[string]struct {
		op   gate.Operation
		want string // "" for not at all
	}{
		"a file":                         {call(gate.KindFileDelete, gate.Args{Path: fact("/data/a b")}), `Python FileDelete x.y path="/data/a b"`},
		"a host":                         {call(gate.KindNetwork, gate.Args{Host: fact("a.example:443")}), `Python Network x.y host="a.example:443"`},
		"a command":                      {call(gate.KindProcess, gate.Args{Argv: []gate.Fact{*fact("git"), *fact("push")}}), `Python Process x.y argv="git" argv="push"`},
		"a statement":                    {call(gate.KindSQL, gate.Args{SQL: fact("DELETE FROM t"), Verb: "DELETE", Table: fact("t")}), `Python SQL x.y sql="DELETE FROM t" table="t" verb="DELETE"`},
		"a module":                       {gate.Operation{Language: gate.Python, Kind: gate.KindImport, Form: gate.FormImport, Name: "socket"}, "Python Import socket"},
		"a variable":                     {call(gate.KindEnvironment, gate.Args{Env: fact("HOME")}), ""},
		"a path that is computed":        {call(gate.KindFileDelete, gate.Args{Path: unknown}), ""},
		"a path that is half known":      {call(gate.KindFileDelete, gate.Args{Path: prefix}), ""},
		"no path at all":                 {call(gate.KindFileDelete, gate.Args{}), ""},
		"no host":                        {call(gate.KindNetwork, gate.Args{}), ""},
		"a word that is computed":        {call(gate.KindProcess, gate.Args{Argv: []gate.Fact{*fact("git"), *unknown}}), ""},
		"no words":                       {call(gate.KindProcess, gate.Args{}), ""},
		"a statement known by its verb":  {call(gate.KindSQL, gate.Args{Verb: "DELETE", Table: fact("t")}), ""},
		"a setting of the process":       {call(gate.KindEnvironment, gate.Args{}), ""},
		"a function that is passed on":   {gate.Operation{Language: gate.Python, Kind: gate.KindFileDelete, Form: gate.FormReference, Name: "os.remove", Args: gate.Args{Path: fact("/a")}}, ""},
		"what could not be proven":       {call(gate.KindUnknown, gate.Args{Path: fact("/a")}), ""},
		"code made at run time":          {call(gate.KindDynamic, gate.Args{}), ""},
		"a kind of a later version":      {call("Quantum", gate.Args{}), ""},
		"a name that looks like another": {gate.Operation{Language: gate.Python, Kind: gate.KindImport, Name: `a path="/x"`}, ""},
		"an endless argument":            {call(gate.KindFileDelete, gate.Args{Path: fact("/" + strings.Repeat("x", 3000))}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Operations([]gate.Operation{test.op}, v1alpha1.Code{Language: v1alpha1.Python})
			if ok != (test.want != "") || ok && got[0] != test.want {
				t.Errorf("got %q, %t; want %q", got, ok, test.want)
			}
		})
	}
	t.Run("more than the schema holds", func(t *testing.T) {
		var many []gate.Operation
		for i := range maxOperations + 1 {
			many = append(many, call(gate.KindFileDelete, gate.Args{Path: fact("/" + strings.Repeat("x", i+1))}))
		}
		if _, ok := Operations(many, v1alpha1.Code{}); ok {
			t.Error("they can be remembered")
		}
	})
}

// A WHERE is no argument of the report: what binds an SQL program is its text.
func TestSQLIsBoundByItsText(t *testing.T) {
	op := gate.Operation{Language: gate.SQL, Kind: gate.KindSQL, Form: gate.FormCall, Name: "DELETE", Args: gate.Args{Verb: "DELETE", Table: fact("t")}}
	one, ok := Operations([]gate.Operation{op}, v1alpha1.Code{Language: v1alpha1.SQL, Source: "DELETE FROM t WHERE id = 1"})
	all, ok2 := Operations([]gate.Operation{op}, v1alpha1.Code{Language: v1alpha1.SQL, Source: "DELETE FROM t"})
	if !ok || !ok2 || cmp.Equal(one, all) {
		t.Errorf("%q and %q, want them apart", one, all)
	}
}

// Only the credential is asked about where the policy allows SELECT.
func TestACredentialForOneQueryIsNotOneForAllQueries(t *testing.T) {
	one, ok := Operations(nil, v1alpha1.Code{Language: v1alpha1.SQL, Source: "SELECT count(*) FROM orders"})
	all, ok2 := Operations(nil, v1alpha1.Code{Language: v1alpha1.SQL, Source: "SELECT * FROM customers"})
	if !ok || !ok2 || subset(all, one) {
		t.Errorf("%q covers %q", one, all)
	}
}

// The report has the same operation for both: the value of a variable is no argument of it.
func TestAVariableWithAnotherValueIsNotCovered(t *testing.T) {
	for language, sources := range map[gate.Language][2]string{
		gate.Python:     {"import os\nos.environ['GIT_SSH_COMMAND'] = 'ssh -4'\n", "import os\nos.environ['GIT_SSH_COMMAND'] = 'sh -c evil'\n"},
		gate.Bash:       {"GIT_PAGER=cat git log\n", "GIT_PAGER=evil git log\n"},
		gate.JavaScript: {"process.env.GIT_PAGER = 'cat'\n", "process.env.GIT_PAGER = 'evil'\n"},
	} {
		t.Run(string(language), func(t *testing.T) {
			code := v1alpha1.Code{Language: v1alpha1.Language(language)}
			granted, ok := Operations(gate.Read(gate.Code{Language: language, Source: []byte(sources[0])}).Operations, code)
			asked, ok2 := Operations(gate.Read(gate.Code{Language: language, Source: []byte(sources[1])}).Operations, code)
			if ok && ok2 && subset(asked, granted) {
				t.Errorf("%q is covered by what was given for %q", sources[1], sources[0])
			}
		})
	}
}

func TestAVerdictThatAsksForAnotherReasonCannotBeRemembered(t *testing.T) {
	op := gate.Operation{Language: gate.Python, Kind: gate.KindFileDelete, Form: gate.FormCall, Name: "os.remove", Args: gate.Args{Path: fact("/data/x")}}
	zero := int32(0)
	spec := &v1alpha1.ExecutionPolicySpec{Credentials: []v1alpha1.Credential{{Name: "db"}, {Name: "open", Approvals: &zero}}}
	for name, test := range map[string]struct {
		asked       []gate.Operation
		credentials []string
		findings    int32
		decision    v1alpha1.Decision
		want        bool
	}{
		"operations alone":                {[]gate.Operation{op}, nil, 1, v1alpha1.RequireApproval, true},
		"a credential alone":              {nil, []string{"db"}, 1, v1alpha1.RequireApproval, true},
		"both":                            {[]gate.Operation{op}, []string{"db"}, 2, v1alpha1.RequireApproval, true},
		"a credential nobody asks about":  {[]gate.Operation{op}, []string{"open"}, 1, v1alpha1.RequireApproval, true},
		"an organisation rule as well":    {[]gate.Operation{op}, nil, 2, v1alpha1.RequireApproval, false},
		"an organisation rule alone":      {nil, nil, 1, v1alpha1.RequireApproval, false},
		"a rule instead of the operation": {nil, []string{"open"}, 1, v1alpha1.RequireApproval, false},
		"nothing that asks":               {nil, nil, 0, v1alpha1.RequireApproval, false},
		"a denial":                        {[]gate.Operation{op}, nil, 1, v1alpha1.Deny, false},
		"no decision":                     {[]gate.Operation{op}, nil, 1, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			req := &v1alpha1.ExecutionRequest{Spec: v1alpha1.ExecutionRequestSpec{Credentials: test.credentials, Code: v1alpha1.Code{Language: v1alpha1.Python}}}
			verdict := v1alpha1.Verdict{Decision: test.decision, PolicyDigest: policy, FindingsTotal: &test.findings, Approvals: 1}
			if _, ok := Of(req, verdict, test.asked, spec); ok != test.want {
				t.Errorf("can be remembered: %t, want %t", ok, test.want)
			}
		})
	}
}
