// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"fmt"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/kyverno/kyverno/pkg/cel/compiler"
	"github.com/kyverno/sdk/extensions/cel/libs/hash"
	"github.com/kyverno/sdk/extensions/cel/libs/http"
	"github.com/kyverno/sdk/extensions/cel/libs/image"
	"github.com/kyverno/sdk/extensions/cel/libs/json"
	"github.com/kyverno/sdk/extensions/cel/libs/math"
	"github.com/kyverno/sdk/extensions/cel/libs/resource"
	"github.com/kyverno/sdk/extensions/cel/libs/time"
	"github.com/kyverno/sdk/extensions/cel/libs/transform"
	"github.com/kyverno/sdk/extensions/cel/libs/user"
	"github.com/kyverno/sdk/extensions/cel/libs/x509"
	"github.com/kyverno/sdk/extensions/cel/libs/yaml"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/cel/environment"
)

// environmentVersion is the one that Kyverno's compiler of ValidatingPolicies gives to all of its options.
var environmentVersion = version.MajorMinor(1, 0)

// environments are expensive to make and safe to share.
var environments = map[bool]func() (*cel.Env, error){
	false: sync.OnceValues(func() (*cel.Env, error) { return newEnvironment() }),
	true:  sync.OnceValues(func() (*cel.Env, error) { return newEnvironment(outsideLibraries()...) }),
}

// newEnvironment is the language that rules are written in: what Kyverno 1.19 gives to a ValidatingPolicy in JSON mode,
// without what reaches out of this process, without gzip, which makes gigabytes out of a short text in one step, and
// without random, which would judge the same request twice in two ways. A rule that uses anything else does not compile, so nothing has to be searched for.
func newEnvironment(more ...cel.EnvOption) (*cel.Env, error) {
	options := append(compiler.DefaultEnvOptionsWithCompat(),
		cel.Variable(compiler.ObjectKey, cel.DynType),
		cel.Variable(compiler.VariablesKey, compiler.VariablesType),
		hash.Lib(hash.Latest()),
		image.Lib(image.Latest()),
		json.Lib(&json.JsonImpl{}, json.Latest()),
		math.Lib(math.Latest()),
		time.Lib(time.Latest()),
		transform.Lib(transform.Latest()),
		user.Lib(user.Latest()),
		x509.Lib(x509.Latest()),
		yaml.Lib(&yaml.YamlImpl{}, yaml.Latest()),
		cel.ASTValidators(oneStep{}),
	)
	set, err := environment.MustBaseEnvSet(environmentVersion).Extend(environment.VersionedOptions{
		IntroducedVersion: environmentVersion,
		EnvOptions:        append(options, more...),
		ProgramOptions:    bounds(),
	})
	if err != nil {
		return nil, fmt.Errorf("make the environment of rules: %w", err)
	}
	return set.StoredExpressionsEnv(), nil
}

// outsideLibraries reach out of this process. What they call is bound when a rule is evaluated, see outside.
func outsideLibraries() []cel.EnvOption {
	return []cel.EnvOption{
		http.Lib(http.Context{}, http.Latest()),
		resource.Lib(resource.Context{}, "", resource.Latest()),
	}
}
