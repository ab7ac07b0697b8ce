// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/review"
)

// The resources of the API.
const (
	requestsResource  = "executionrequests"
	approvalsResource = "approvals"
	policiesResource  = "executionpolicies"
)

// safeLines makes what is written to it safe to print: warnings of the API server
// may repeat what an agent wrote (CWE-150).
type safeLines struct{ to io.Writer }

// Write takes whole lines.
func (s safeLines) Write(text []byte) (int, error) {
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Fprintln(s.to, review.SafeString(strings.TrimSuffix(line, "\n"))); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}

// newFlags gives kubectl's connection flags.
func newFlags() *genericclioptions.ConfigFlags {
	flags := genericclioptions.NewConfigFlags(true)
	flags.CacheDir, flags.DisableCompression = nil, nil // nothing is discovered here
	return flags
}

// addFlags registers the connection flags with a command. Only the usual ones
// are listed by its help.
func addFlags(cmd *cobra.Command, flags *genericclioptions.ConfigFlags) {
	flags.AddFlags(cmd.Flags())
	for _, rare := range []string{"as", "as-group", "as-uid", "as-user-extra", "certificate-authority", "client-certificate", "client-key", "cluster", "insecure-skip-tls-verify", "request-timeout", "server", "tls-server-name", "token", "user"} {
		if f := cmd.Flags().Lookup(rare); f != nil {
			f.Hidden = true
		}
	}
	_ = cmd.RegisterFlagCompletionFunc("namespace", completeNamespaces(flags))
	_ = cmd.RegisterFlagCompletionFunc("context", completeContexts(flags))
}

// cluster is an API server, as the user of the kubeconfig. It holds one small
// client for each API group, and nothing is cached.
type cluster struct {
	namespace                   string
	airlock, core, authn, authz rest.Interface
}

// connect makes the clients; nothing is sent yet.
func connect(flags *genericclioptions.ConfigFlags, stderr io.Writer) (*cluster, error) {
	config, err := flags.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	namespace, _, err := flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(v1alpha1.AddToScheme(scheme), corev1.AddToScheme(scheme), authenticationv1.AddToScheme(scheme), authorizationv1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	config.WarningHandler = rest.NewWarningWriter(safeLines{stderr}, rest.WarningWriterOptions{Deduplicate: true})
	config.UserAgent = "kubectl-airlock"
	c := &cluster{namespace: namespace}
	for _, group := range []struct {
		to      *rest.Interface
		version schema.GroupVersion
		path    string
	}{
		{&c.airlock, v1alpha1.GroupVersion, "/apis"},
		{&c.core, corev1.SchemeGroupVersion, "/api"},
		{&c.authn, authenticationv1.SchemeGroupVersion, "/apis"},
		{&c.authz, authorizationv1.SchemeGroupVersion, "/apis"},
	} {
		own := rest.CopyConfig(config)
		own.GroupVersion, own.APIPath = &group.version, group.path
		if *group.to, err = rest.RESTClientFor(own); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *cluster) request(ctx context.Context, namespace, name string) (*v1alpha1.ExecutionRequest, error) {
	out := &v1alpha1.ExecutionRequest{}
	return out, c.airlock.Get().Namespace(namespace).Resource(requestsResource).Name(name).Do(ctx).Into(out)
}

func (c *cluster) approval(ctx context.Context, namespace, name string) (*v1alpha1.Approval, error) {
	out := &v1alpha1.Approval{}
	return out, c.airlock.Get().Namespace(namespace).Resource(approvalsResource).Name(name).Do(ctx).Into(out)
}

// requests lists a namespace, or all where it is "".
func (c *cluster) requests(ctx context.Context, namespace string) ([]v1alpha1.ExecutionRequest, error) {
	out := &v1alpha1.ExecutionRequestList{}
	err := c.airlock.Get().Namespace(namespace).Resource(requestsResource).Do(ctx).Into(out)
	return out.Items, err
}

// approvals lists a namespace, or all where it is "".
func (c *cluster) approvals(ctx context.Context, namespace string) ([]v1alpha1.Approval, error) {
	out := &v1alpha1.ApprovalList{}
	err := c.airlock.Get().Namespace(namespace).Resource(approvalsResource).Do(ctx).Into(out)
	return out.Items, err
}

func (c *cluster) policies(ctx context.Context) ([]v1alpha1.ExecutionPolicy, error) {
	out := &v1alpha1.ExecutionPolicyList{}
	err := c.airlock.Get().Resource(policiesResource).Do(ctx).Into(out)
	return out.Items, err
}

func (c *cluster) namespaces(ctx context.Context) ([]corev1.Namespace, error) {
	out := &corev1.NamespaceList{}
	err := c.core.Get().Resource("namespaces").Do(ctx).Into(out)
	return out.Items, err
}

func (c *cluster) create(ctx context.Context, req *v1alpha1.ExecutionRequest) (*v1alpha1.ExecutionRequest, error) {
	out := &v1alpha1.ExecutionRequest{}
	return out, c.airlock.Post().Namespace(req.Namespace).Resource(requestsResource).Body(req).Do(ctx).Into(out)
}

// watchRequest reports each change of one request after resourceVersion.
func (c *cluster) watchRequest(ctx context.Context, req *v1alpha1.ExecutionRequest) (watch.Interface, error) {
	return c.airlock.Get().Namespace(req.Namespace).Resource(requestsResource).
		Param("watch", "true").Param("resourceVersion", req.ResourceVersion).Param("fieldSelector", "metadata.name="+req.Name).Watch(ctx)
}

// decide patches the inbox of exactly the Approval that was read: another
// version of it, or another Approval of its name, is a conflict.
func (c *cluster) decide(ctx context.Context, shown *v1alpha1.Approval, decision v1alpha1.DecisionInbox) (*v1alpha1.Approval, error) {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": shown.UID, "resourceVersion": shown.ResourceVersion},
		"spec":     map[string]any{"decision": decision},
	})
	if err != nil {
		return nil, err
	}
	out := &v1alpha1.Approval{}
	return out, c.airlock.Patch(types.MergePatchType).Namespace(shown.Namespace).Resource(approvalsResource).Name(shown.Name).
		Body(patch).Do(ctx).Into(out)
}

// whoami is the user as the API server knows it.
func (c *cluster) whoami(ctx context.Context) (authenticationv1.UserInfo, error) {
	review := &authenticationv1.SelfSubjectReview{}
	err := c.authn.Post().Resource("selfsubjectreviews").Body(review).Do(ctx).Into(review)
	return review.Status.UserInfo, err
}

// mayApprove asks whether the user holds the verb "approve" on a policy.
func (c *cluster) mayApprove(ctx context.Context, policy string) (bool, error) {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "approve", Group: v1alpha1.GroupVersion.Group, Resource: policiesResource, Name: policy},
	}}
	err := c.authz.Post().Resource("selfsubjectaccessreviews").Body(review).Do(ctx).Into(review)
	return review.Status.Allowed, err
}

// podLog reads at most limit bytes of what the sandbox wrote.
func (c *cluster) podLog(ctx context.Context, namespace, pod, container string, limit int64) ([]byte, error) {
	return c.core.Get().Namespace(namespace).Resource("pods").Name(pod).SubResource("log").
		Param("container", container).Param("limitBytes", fmt.Sprint(limit)).DoRaw(ctx)
}

// saveInput keeps the content of an input in a new ConfigMap, which cannot be changed.
func (c *cluster) saveInput(ctx context.Context, prefix, key string, content []byte) (string, error) {
	immutable := true
	cm := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{GenerateName: prefix, Namespace: c.namespace},
		Immutable:  &immutable, BinaryData: map[string][]byte{key: content},
	}
	out := &corev1.ConfigMap{}
	err := c.core.Post().Namespace(c.namespace).Resource("configmaps").Body(cm).Do(ctx).Into(out)
	return out.Name, err
}
