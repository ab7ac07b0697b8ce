// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gowebpki/jcs"
	policieskyvernoio "github.com/kyverno/api/api/policies.kyverno.io"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/policy"
)

// Kind is what rules are written as.
var Kind = schema.GroupVersionKind{Group: "policies.kyverno.io", Version: "v1", Kind: policieskyvernoio.ValidatingPolicyKind}

// Unfit says why an ExecutionPolicy cannot judge: the rules that it selects are absent, or one is of no use here.
type Unfit struct{ message string }

func (u *Unfit) Error() string { return u.message }

func unfit(format string, args ...any) error {
	return &Unfit{"spec.kyverno: " + fmt.Sprintf(format, args...)}
}

// Engine selects and compiles rules. It is safe for concurrent use.
type Engine struct {
	reader   client.Reader
	mapper   meta.RESTMapper
	compiled *lru.Cache
}

// NewEngine reads rules through reader, past every cache: an old rule must not judge. What rules ask for with
// `resource`, where that is allowed, is read through it as well, with the operator's rights.
func NewEngine(reader client.Reader, mapper meta.RESTMapper) *Engine {
	return &Engine{reader: reader, mapper: mapper, compiled: lru.New(cachedRules)}
}

// Select returns the rules for an ExecutionPolicy, none for nil. An error of type *Unfit tells what is to be changed in the
// cluster; every other error means that they could not be read now.
func (e *Engine) Select(ctx context.Context, spec *v1alpha1.KyvernoRules) (Set, error) {
	if spec == nil {
		return Set{}, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(&spec.Selector)
	if err != nil {
		return Set{}, unfit("selector: %v", err)
	}
	if selector.Empty() {
		return Set{}, unfit("selector: it is empty; name a label that the rules for code have, others are for Kubernetes objects")
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(Kind.GroupVersion().WithKind(Kind.Kind + "List"))
	err = e.reader.List(ctx, list, client.MatchingLabelsSelector{Selector: selector})
	if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
		return Set{}, unfit("the cluster does not serve ValidatingPolicies (%s); install the CustomResourceDefinitions of Kyverno 1.19, or remove the field", Kind.GroupVersion())
	}
	if err != nil {
		return Set{}, fmt.Errorf("list Kyverno rules: %w", err)
	}
	return e.compileAll(list.Items, selector.String(), spec.OutsideCalls == v1alpha1.OutsideCallsAllowed)
}

// compileAll takes the rules in the order of their names: the order of a list is not a promise.
func (e *Engine) compileAll(objects []unstructured.Unstructured, selector string, allowed bool) (Set, error) {
	switch n := len(objects); {
	case n == 0:
		return Set{}, unfit("no ValidatingPolicy has the labels %s; label one, or remove the field", selector)
	case n > MaxRules:
		return Set{}, unfit("%d ValidatingPolicies have the labels %s, at most %d may; select fewer", n, selector, MaxRules)
	}
	slices.SortFunc(objects, func(a, b unstructured.Unstructured) int { return cmp.Compare(a.GetName(), b.GetName()) })
	set := Set{}
	if allowed {
		set.outside = &outside{reader: e.reader, mapper: e.mapper}
	}
	for i := range objects {
		digest, err := digestOf(&objects[i])
		if err != nil {
			return Set{}, err
		}
		r, err := e.compileOnce(&objects[i], digest, allowed)
		if err != nil {
			return Set{}, unfit("ValidatingPolicy %q: %v", objects[i].GetName(), err)
		}
		set.identities = append(set.identities, policy.Rule{Name: objects[i].GetName(), Digest: digest})
		set.rules = append(set.rules, r)
	}
	return set, nil
}

// cacheKey names a rule by its content: what was compiled cannot be out of date.
type cacheKey struct {
	digest  string
	outside bool
}

// compileOnce remembers failures too, so that a broken rule costs as little as another.
func (e *Engine) compileOnce(object *unstructured.Unstructured, digest string, outside bool) (*rule, error) {
	type outcome struct {
		rule *rule
		err  error
	}
	key := cacheKey{digest, outside}
	if known, ok := e.compiled.Get(key); ok {
		o, _ := known.(outcome)
		return o.rule, o.err
	}
	r, err := compile(object, outside)
	e.compiled.Add(key, outcome{r, err})
	return r, err
}

// digestOf the whole spec as the API server holds it, "sha256:" and hex of its canonical JSON (RFC 8785).
func digestOf(object *unstructured.Unstructured) (string, error) {
	encoded, err := json.Marshal(object.Object["spec"])
	if err != nil {
		return "", fmt.Errorf("encode ValidatingPolicy %s: %w", object.GetName(), err)
	}
	canonical, err := jcs.Transform(encoded)
	if err != nil {
		return "", fmt.Errorf("make ValidatingPolicy %s canonical: %w", object.GetName(), err)
	}
	sum := sha256.Sum256(canonical)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
