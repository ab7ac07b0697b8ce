#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the demo and test/e2e on a real node of its own, and removes it however
# they end.
# With --why-not it only says why this machine cannot, or nothing if it can.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

why_not() {
  if [[ $(uname -s) != Linux ]]; then
    echo "needs Linux: the node is made of its network namespaces and BPF"
  elif [[ $(id -u) != 0 ]]; then
    echo "needs root: run it with sudo to make a real node"
  fi
}

if [[ ${1:-} == --why-not ]]; then
  why_not
  exit
fi
reason=$(why_not)
if [[ -n $reason ]]; then
  echo "e2e left out: $reason"
  exit
fi

export CLUSTER=node CLUSTER_NAME=e2e
gotestsum=$(hack/tools/build.sh gotestsum)
trap 'go -C hack/cluster run . down --name "$CLUSTER_NAME"' EXIT

# The demo fails if one of its stories ends differently than it must.
hack/demo.sh

AIRLOCK_TEST_KUBECONFIG=$(go -C hack/cluster run . kubeconfig --path --name "$CLUSTER_NAME")
export AIRLOCK_TEST_KUBECONFIG
"$gotestsum" --format standard-quiet -- -tags=e2e -count=1 -timeout=30m ./test/e2e/...
