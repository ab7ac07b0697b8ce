#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs test/integration against a real etcd and API server of its own, and
# removes them however the tests end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=it-$$
cluster() { go -C hack/cluster run . "$@" --name "$name"; }

gotestsum=$(hack/tools/build.sh gotestsum)
trap 'cluster down' EXIT
cluster up --control-plane-only
AIRLOCK_TEST_KUBECONFIG=$(cluster kubeconfig --path)
export AIRLOCK_TEST_KUBECONFIG

"$gotestsum" --format standard-quiet -- -tags=integration -count=1 -timeout=15m ./test/integration/...
