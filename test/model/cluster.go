// SPDX-License-Identifier: Apache-2.0

// Package model plays random sequences of what people, time, administrators and
// crashes do to requests and approvals, and compares every outcome with a small
// reference model of the approval protocol: what the API server accepts, what
// stays on record, and what is launched. The operator's reconcilers run for
// real; the API server is either a real one or the one in memory.
package model

import (
	"context"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Everybody who acts. Riley and alice make requests; riley, alice, bob and the
// bot may approve; the stranger may nothing at all.
const (
	Riley    = "riley"
	Alice    = "alice"
	Bob      = "bob"
	Stranger = "stranger"
	Admin    = "admin"
)

// Bot is the username of the service account that is a checker at times.
func Bot(namespace string) string { return "system:serviceaccount:" + namespace + ":bot" }

// Cluster is where a sequence is played. It holds a namespace, a policy and a
// Secret "model" with the key "password" in the operator's namespace.
type Cluster struct {
	Namespace, Policy string
	// As returns the client of one of the people above, past every cache.
	As func(name string) client.Client
	// Operator writes, and reads past every cache, as the operator.
	Operator client.Client
	// Cached is what the operator's cache shows. Sync lets it catch up.
	Cached client.Reader
	Sync   func()
	// Version changes with every write. Nil where it is not known.
	Version func() string
	// Tamper lets a webhook change pods on their way in, or no more. Nil where there is none.
	Tamper func(on bool)
	// Collect removes what belongs to requests that are gone, as the garbage collector does.
	Collect func(ctx context.Context) error
	// Clock is the operator's. ServerNow is the time by which the API server decides.
	Clock     *clocktesting.FakePassiveClock
	ServerNow func() time.Time
}

// variant is what administrators change about the policy.
type variant struct {
	required, ruleApprovals  int32
	checker, serviceAccounts bool
	grants                   *v1alpha1.GrantTerms
	timeout                  int32
}

// source is a program, and what the reference model knows about it.
type source struct {
	name, code string
	denied     bool
	// asks are the sensitive operations, by any name.
	asks []string
	// computed: an argument is not written out, so that nothing about it is remembered.
	computed bool
}

var sources = []source{
	{name: "allowed", code: "print(sum(range(10)))\n"},
	{name: "one", code: "import os\n\nos.remove('/data/one')\n", asks: []string{"one"}},
	{name: "one again", code: "import os\n\nos.remove('/data/one')\nprint(2)\n", asks: []string{"one"}},
	{name: "one more", code: "import os\n\nprint(1)\nos.remove('/data/one')\n", asks: []string{"one"}},
	{name: "two", code: "import os\n\nos.remove('/data/one')\nos.remove('/data/two')\n", asks: []string{"one", "two"}},
	{name: "computed", code: "import os\n\nos.remove(input())\n", asks: []string{"computed"}, computed: true},
	{name: "denied", code: "eval('1 + 1')\n", denied: true},
}

var (
	hosts       = []v1alpha1.EgressTarget{{Host: "a.example", Port: 443}, {Host: "b.example", Port: 443}}
	credentials = []string{"asked", "open"}
)

// SecretName is the Secret that holds the credentials.
const SecretName = "model"
