#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the tests of every module that need no cluster. gotestsum ends with the
# skipped tests and their reasons, which `go test` hides.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

gotestsum=$(hack/tools/build.sh gotestsum)
failed=0

for module in $(hack/modules.sh); do
  packages=$(go -C "$module" list ./... | grep -vE '^github\.com/airlock-dev/airlock/test(/|$)' || true)
  [[ -n $packages ]] || continue
  echo "unit tests: $module"
  # shellcheck disable=SC2086 # one word a package
  (cd "$module" && "$gotestsum" --format standard-quiet -- $packages) || failed=1
done
exit "$failed"
