// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/network"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// +kubebuilder:rbac:groups="",namespace=sandboxes,resources=pods,verbs=get;list;watch;create;delete
// +kubebuilder:rbac:groups="",namespace=sandboxes,resources=configmaps;secrets,verbs=get;list;watch;create;delete
// +kubebuilder:rbac:groups=cilium.io,namespace=sandboxes,resources=ciliumnetworkpolicies,verbs=get;list;watch;create
// +kubebuilder:rbac:groups="",namespace=operator,resources=secrets,verbs=get

// createDependencies creates everything that the Pod refers to. Names derive from the request's UID and contents are
// immutable, so what an earlier attempt left is what this one would make; the runner checks code and inputs by digest.
func (r *Reconciler) createDependencies(ctx context.Context, req *v1alpha1.ExecutionRequest, a *assessment, params sandbox.Params) error {
	if err := r.ensureEgressPolicy(ctx, req.Spec.Egress); err != nil {
		return err
	}
	values, err := r.credentialValues(ctx, req, a.policy)
	if err != nil {
		return err
	}
	var objects []client.Object
	if cm := sandbox.CodeConfigMap(params); cm != nil {
		objects = append(objects, cm)
	}
	if cm := sandbox.InputsConfigMap(params, a.contents); cm != nil {
		objects = append(objects, cm)
	}
	if secret := sandbox.CredentialsSecret(params, values); secret != nil {
		objects = append(objects, secret)
	}
	for _, obj := range objects {
		if err := r.Create(ctx, obj); err != nil && !apierrors.IsAlreadyExists(err) {
			return notCreated(what(obj), err)
		}
	}
	return nil
}

// what names an object to the requester.
func what(obj client.Object) string {
	if _, ok := obj.(*corev1.Secret); ok {
		return "Secret with the credentials"
	}
	return "ConfigMap " + obj.GetName()
}

// ensureEgressPolicy makes the policy of the request's egress profile stand before the Pod exists. A profile's policy is
// shared by all requests that name the same destinations, until nobody has used it for long; its name is the digest of its content.
func (r *Reconciler) ensureEgressPolicy(ctx context.Context, egress []v1alpha1.EgressTarget) error {
	want := network.EgressPolicy(r.Options.SandboxNamespace, egress)
	if want == nil {
		return nil
	}
	have := &ciliumv2.CiliumNetworkPolicy{}
	err := r.Live.Get(ctx, client.ObjectKeyFromObject(want), have)
	if apierrors.IsNotFound(err) {
		have = want.DeepCopy()
		err = r.Create(ctx, have)
	}
	if apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("%w: egress policy %s exists", errStale, want.Name)
	}
	if err != nil {
		return fmt.Errorf("get or create egress policy: %w", err)
	}
	same, err := sameSpec(have, want)
	if err != nil {
		return err
	}
	if !same {
		return &delay{v1alpha1.ReasonPreflightFailed,
			fmt.Sprintf("CiliumNetworkPolicy %s/%s was changed and no longer is the egress that was judged; delete it", have.Namespace, have.Name)}
	}
	for _, c := range have.Status.Conditions {
		if c.Type == ciliumv2.PolicyConditionValid && c.Status == corev1.ConditionFalse {
			return &delay{v1alpha1.ReasonPreflightFailed, fmt.Sprintf("Cilium rejects CiliumNetworkPolicy %s/%s: %s", have.Namespace, have.Name, c.Message)}
		}
	}
	return nil
}

// sameSpec compares as the API server stores it: in JSON, where absent and empty are one.
func sameSpec(have, want *ciliumv2.CiliumNetworkPolicy) (bool, error) {
	haveJSON, err := json.Marshal(have.Spec)
	if err != nil {
		return false, fmt.Errorf("encode egress policy: %w", err)
	}
	wantJSON, err := json.Marshal(want.Spec)
	if err != nil {
		return false, fmt.Errorf("encode egress policy: %w", err)
	}
	return len(have.Specs) == 0 && bytes.Equal(haveJSON, wantJSON), nil
}

// credentialValues reads the secrets that the request names and the policy grants.
func (r *Reconciler) credentialValues(ctx context.Context, req *v1alpha1.ExecutionRequest, pol *v1alpha1.ExecutionPolicy) (map[string][]byte, error) {
	values := map[string][]byte{}
	for _, name := range req.Spec.Credentials {
		ref, ok := credentialRef(pol, name)
		if !ok {
			return nil, &refusal{v1alpha1.ReasonCredentialAbsent, fmt.Sprintf("policy %s has no credential %q", pol.Name, name)}
		}
		secret := &corev1.Secret{}
		err := r.Live.Get(ctx, client.ObjectKey{Namespace: r.Options.OperatorNamespace, Name: ref.Name}, secret)
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("get credential %s: %w", name, err)
		}
		value, ok := secret.Data[ref.Key]
		if err != nil || !ok {
			return nil, &refusal{v1alpha1.ReasonCredentialAbsent, fmt.Sprintf("credential %q: the Secret and key that policy %s names do not exist", name, pol.Name)}
		}
		values[name] = value
	}
	return values, nil
}

func credentialRef(pol *v1alpha1.ExecutionPolicy, name string) (v1alpha1.SecretKey, bool) {
	for _, c := range pol.Spec.Credentials {
		if c.Name == name {
			return c.SecretKeyRef, true
		}
	}
	return v1alpha1.SecretKey{}, false
}
