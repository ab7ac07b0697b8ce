// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/review"
)

// named is an object of this API with what helps to recognise it.
type named struct {
	namespace, name, what string
}

// findRequest gets a request by its name, or by that of its Approval.
func (c *cluster) findRequest(ctx context.Context, name string) (*v1alpha1.ExecutionRequest, error) {
	req, err := c.request(ctx, c.namespace, name)
	if !apierrors.IsNotFound(err) {
		return req, err
	}
	appr, apprErr := c.approval(ctx, c.namespace, name)
	if apprErr != nil {
		return nil, c.unknown(ctx, "ExecutionRequest", name)
	}
	ref := appr.Spec.Subject.RequestRef
	req, err = c.request(ctx, c.namespace, ref.Name)
	if err == nil && string(req.UID) != ref.UID {
		return nil, fmt.Errorf("the request %s that the Approval %s is for was deleted, and there is another one of its name", ref.Name, name)
	}
	return req, err
}

// findApproval gets an Approval by its name, or by that of its request. The
// name of an Approval comes first: a request cannot take its place.
func (c *cluster) findApproval(ctx context.Context, name string) (*v1alpha1.Approval, error) {
	appr, err := c.approval(ctx, c.namespace, name)
	if !apierrors.IsNotFound(err) {
		return appr, err
	}
	req, err := c.request(ctx, c.namespace, name)
	switch {
	case apierrors.IsNotFound(err):
		return nil, c.unknown(ctx, "Approval", name)
	case err != nil:
		return nil, err
	case req.Status.ApprovalName == "":
		return nil, fmt.Errorf("the request %s asks nobody for approval: it is %s. To see why: kubectl airlock explain %s -n %s", name, stateOf(req), name, c.namespace)
	}
	return c.approval(ctx, c.namespace, req.Status.ApprovalName)
}

func stateOf(req *v1alpha1.ExecutionRequest) v1alpha1.RequestState {
	if req.Status.State == "" {
		return v1alpha1.StatePending
	}
	return req.Status.State
}

// unknown says that there is no such object, and what may have been meant. What
// the user may not list helps nobody and is left out.
func (c *cluster) unknown(ctx context.Context, kind, name string) error {
	here := c.known(ctx, c.namespace, kind)
	message := fmt.Sprintf("there is no %s %q in namespace %s", kind, name, c.namespace)
	if near := nearest(name, here); len(near) > 0 {
		return fmt.Errorf("%s. Did you mean %s?", message, strings.Join(near, " or "))
	}
	for _, n := range c.known(ctx, "", kind) {
		if n.name == name {
			return fmt.Errorf("%s. It is in namespace %s: add -n %s", message, n.namespace, n.namespace)
		}
	}
	return fmt.Errorf("%s. To see what there is: kubectl airlock list -n %s", message, c.namespace)
}

// known lists the requests and, where the command takes them, the Approvals of a namespace.
func (c *cluster) known(ctx context.Context, namespace, kind string) []named {
	var out []named
	requests, _ := c.requests(ctx, namespace)
	for _, r := range requests {
		out = append(out, named{r.Namespace, r.Name, fmt.Sprintf("%s, by %s", stateOf(&r), r.Spec.Requester.Username)})
	}
	if kind != "Approval" {
		return out
	}
	approvals, _ := c.approvals(ctx, namespace)
	for _, a := range approvals {
		out = append(out, named{a.Namespace, a.Name, fmt.Sprintf("of %s, by %s", a.Spec.Subject.RequestRef.Name, a.Spec.Subject.Requester.Username)})
	}
	return out
}

// maxSuggestions bounds what is suggested for a name.
const maxSuggestions = 3

// nearest gives the names that a person may have meant: at most a third of the
// letters differ, or the one begins with the other.
func nearest(name string, among []named) []string {
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	for _, n := range among {
		distance := levenshtein.ComputeDistance(name, n.name)
		if len(name) >= 3 && strings.HasPrefix(n.name, name) {
			distance = 1
		}
		if distance <= max(1, len(name)/3) {
			found = append(found, candidate{n.name, distance})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		if a.distance != b.distance {
			return a.distance - b.distance
		}
		return strings.Compare(a.name, b.name)
	})
	var names []string
	for _, f := range found[:min(len(found), maxSuggestions)] {
		names = append(names, f.name)
	}
	return names
}

// completionPatience bounds how long a shell waits for names.
const completionPatience = 3 * time.Second

// completion gives names for the shell.
type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// completeNames completes the one name that a command takes. What cannot be
// listed is left out without a word: a shell has nowhere to show it.
func completeNames(flags *genericclioptions.ConfigFlags, kind string) completion {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return completeWith(cmd, flags, func(ctx context.Context, c *cluster) (out []string) {
			for _, n := range c.known(ctx, c.namespace, kind) {
				out = append(out, n.name+"\t"+review.SafeString(n.what))
			}
			return out
		})
	}
}

func completePolicies(flags *genericclioptions.ConfigFlags) completion {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return completeWith(cmd, flags, func(ctx context.Context, c *cluster) (out []string) {
			policies, _ := c.policies(ctx)
			for _, p := range policies {
				out = append(out, p.Name+"\t"+review.SafeString(p.Spec.Description))
			}
			return out
		})
	}
}

func completeNamespaces(flags *genericclioptions.ConfigFlags) completion {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return completeWith(cmd, flags, func(ctx context.Context, c *cluster) (out []string) {
			namespaces, _ := c.namespaces(ctx)
			for _, n := range namespaces {
				out = append(out, n.Name)
			}
			return out
		})
	}
}

// completeContexts asks nobody: the kubeconfig has them.
func completeContexts(flags *genericclioptions.ConfigFlags) completion {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		config, err := flags.ToRawKubeConfigLoader().RawConfig()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return slices.Sorted(maps.Keys(config.Contexts)), cobra.ShellCompDirectiveNoFileComp
	}
}

func completeWith(cmd *cobra.Command, flags *genericclioptions.ConfigFlags, names func(context.Context, *cluster) []string) ([]string, cobra.ShellCompDirective) {
	c, err := connect(flags, cmd.ErrOrStderr())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
	defer cancel()
	return names(ctx, c), cobra.ShellCompDirectiveNoFileComp
}

// fixed completes a flag that has a closed set of values.
func fixed(values ...string) completion {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}
