#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the tests of every module that need no cluster; those that do have a
# build tag. gotestsum ends with the skipped tests and their reasons, which
# `go test` hides.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

gotestsum=$(hack/tools/build.sh gotestsum)
failed=0

for module in $(hack/modules.sh); do
  echo "unit tests: $module"
  (cd "$module" && "$gotestsum" --format standard-quiet -- ./...) || failed=1
done
exit "$failed"
