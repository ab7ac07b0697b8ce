// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"maps"
	"net/http"
	"strings"
	"testing"
)

// A policy that cannot be meant is refused when it is written, with the field's name.
func TestAPolicyThatCannotBeMeantIsRefused(t *testing.T) {
	const path = "/apis/airlock.dev/v1alpha1/executionpolicies?dryRun=All"
	allow := func(rule object) object { return object{"allow": []any{rule}} }
	ask := func(rule object) object { return object{"requireApproval": []any{rule}} }
	git := func(fields object) object {
		command := object{"name": "git", "args": []any{"log"}}
		maps.Copy(command, fields)
		return object{"commands": []any{command}}
	}
	provenance := func(fields object) object { return object{"provenance": fields} }
	attestor := func(fields object) object {
		a := object{"name": "lab", "trust": "Internal", "predicateTypes": []any{"https://example.com/reviewed/v1"},
			"publicKey": "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"}
		maps.Copy(a, fields)
		return provenance(object{"attestors": []any{a}})
	}
	credential := func(approvals int64) object {
		return object{"credentials": []any{object{"name": "c", "secretKeyRef": object{"name": "s", "key": "k"}, "approvals": approvals}}}
	}
	checkers := func(list ...any) object { return object{"approval": object{"checkers": list}} }
	checker := object{"namespace": "checks", "name": "scanner"}

	for name, test := range map[string]struct {
		spec  object
		words string // "" where it is accepted
	}{
		"a rule that matches":                        {allow(object{"imports": []any{"json"}}), ""},
		"a rule without a matcher":                   {allow(object{"description": "nothing"}), "a rule matches something"},
		"a rule without a matcher that asks":         {ask(object{"approvals": int64(2)}), "a rule matches something"},
		"a rule for untrusted without a matcher":     {object{"untrusted": allow(object{"sandbox": "Isolated"})}, "a rule matches something"},
		"nobody who agrees":                          {ask(object{"imports": []any{"json"}, "approvals": int64(0)}), "spec.requireApproval[0].approvals"},
		"more people than there can be":              {ask(object{"imports": []any{"json"}, "approvals": int64(11)}), "spec.requireApproval[0].approvals"},
		"an invented application":                    {ask(object{"imports": []any{"json"}, "applies": "Never"}), "spec.requireApproval[0].applies"},
		"an invented sandbox":                        {allow(object{"imports": []any{"json"}, "sandbox": "Friendly"}), "spec.allow[0].sandbox"},
		"approvals under allow":                      {allow(object{"imports": []any{"json"}, "approvals": int64(1)}), `unknown field "spec.allow[0].approvals"`},
		"options with their values":                  {allow(git(object{"options": []any{"--oneline", "-n *", "--since=*", "-", "--"}})), ""},
		"an option without dash":                     {allow(git(object{"options": []any{"oneline"}})), "spec.allow[0].commands[0].options[0]"},
		"an option with two values":                  {allow(git(object{"options": []any{"-n 1 2"}})), "spec.allow[0].commands[0].options[0]"},
		"an option whose value is an option":         {allow(git(object{"options": []any{"-n --output"}})), "spec.allow[0].commands[0].options[0]"},
		"an empty word":                              {allow(git(object{"args": []any{""}})), "spec.allow[0].commands[0].args[0]"},
		"an origin":                                  {provenance(object{"origins": []any{object{"origin": "Retrieved", "trust": "Untrusted"}}}), ""},
		"an origin listed twice":                     {provenance(object{"origins": []any{object{"origin": "Tool", "trust": "Untrusted"}, object{"origin": "Tool", "trust": "Trusted"}}}), "spec.provenance.origins[1]: Duplicate value"},
		"an origin that nobody knows":                {provenance(object{"origins": []any{object{"origin": "Heaven", "trust": "Trusted"}}}), "spec.provenance.origins[0].origin"},
		"provenance that says nothing":               {provenance(object{}), "spec.provenance"},
		"an attestor":                                {attestor(nil), ""},
		"an attestor without a predicate type":       {attestor(object{"predicateTypes": []any{}}), "spec.provenance.attestors[0].predicateTypes"},
		"a predicate type that is no URI":            {attestor(object{"predicateTypes": []any{"*"}}), "spec.provenance.attestors[0].predicateTypes[0]"},
		"a private key for an attestor":              {attestor(object{"publicKey": "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("A", 64) + "\n-----END PRIVATE KEY-----\n"}), "spec.provenance.attestors[0].publicKey"},
		"a credential that asks nobody":              {credential(0), ""},
		"a credential that asks more than there are": {credential(11), "spec.credentials[0].approvals"},
		"a checker":                                  {checkers(checker), ""},
		"a checker listed twice":                     {checkers(checker, checker), "spec.approval.checkers[1]: Duplicate value"},
		"a checker that is a name in a path":         {checkers(object{"namespace": "a:b", "name": "x"}), "spec.approval.checkers[0].namespace"},
		"grants without an end":                      {object{"approval": object{"grants": object{"maxUses": int64(5)}}}, "spec.approval.grants.ttlSeconds"},
		"outside calls by another word":              {object{"kyverno": object{"selector": object{}, "outsideCalls": "Sometimes"}}, "spec.kyverno.outsideCalls"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := object{
				"runtimes": []any{object{"language": "Bash", "image": "registry.example/x@sha256:" + strings.Repeat("0", 64), "command": []any{"x"}}},
				"limits":   object{"timeoutSeconds": int64(1)},
			}
			maps.Copy(spec, test.spec)
			got := admin.post(path+"&fieldValidation=Strict", object{"apiVersion": "airlock.dev/v1alpha1", "kind": "ExecutionPolicy", "metadata": object{"generateName": "p-"}, "spec": spec})
			switch {
			case test.words == "":
				accepted(t, got)
			case strings.HasPrefix(test.words, "unknown field"):
				refused(t, got, http.StatusBadRequest, test.words)
			default:
				refused(t, got, http.StatusUnprocessableEntity, test.words)
			}
		})
	}
}

// An attestation is about content: without, it would raise whatever the request says it is about.
func TestAnAttestationNeedsContentAndItsDigest(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0", 64)
	ref := object{"name": "data", "key": "k"}
	for name, test := range map[string]struct {
		input object
		words string
	}{
		"with both":                    {object{"digest": digest, "configMapRef": ref}, ""},
		"for an input without digest":  {object{"configMapRef": ref}, "an attestation is about content"},
		"for a digest without content": {object{"digest": digest}, "an attestation is about content"},
		"over its limit":               {object{"digest": digest, "configMapRef": ref, "attestation": strings.Repeat("a", 16385)}, "spec.inputs[0].attestation"},
	} {
		t.Run(name, func(t *testing.T) {
			input := object{"name": "i", "origin": "Retrieved", "trust": "Untrusted", "attestation": "{}"}
			maps.Copy(input, test.input)
			got := requester.post(requestsPath+"?dryRun=All", newRequest(with([]any{input}, "spec", "inputs")))
			if test.words == "" {
				accepted(t, got)
				return
			}
			refused(t, got, http.StatusUnprocessableEntity, test.words)
		})
	}
}
