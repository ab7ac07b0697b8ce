#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures executions on a real etcd, API server, controller-manager and
# scheduler with simulated nodes, and removes them however it ends. All
# arguments go to test/bench; see `go run ./test/bench -h`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=bench-$$
cluster() { go -C hack/cluster run . "$@" --name "$name"; }

programs=$(mktemp -d)
trap 'cluster down; rm -rf "$programs"' EXIT
CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o "$programs/airlock" .
go build -o "$programs/bench" ./test/bench
cluster up --simulated-nodes >/dev/null
KUBECONFIG=$(cluster kubeconfig --path)
export KUBECONFIG

crds=$(go list -m -f '{{.Dir}}' github.com/cilium/cilium)/pkg/k8s/apis/cilium.io/client/crds/v2
kubectl=$(cluster bin)/kubectl
"$kubectl" create -f "$crds/ciliumnetworkpolicies.yaml" >/dev/null
"$kubectl" wait --for=condition=Established --timeout=60s crd/ciliumnetworkpolicies.cilium.io >/dev/null
"$(hack/tools/build.sh helm)" install airlock charts/airlock --namespace airlock-system --create-namespace \
  --values charts/airlock/ci/values.yaml --wait=hookOnly >/dev/null

mkdir -p bin
"$programs/bench" -cluster "$(dirname "$KUBECONFIG")" -operator "$programs/airlock" "$@"
