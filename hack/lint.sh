#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Lints the Go code with .golangci.yml, and the shell scripts where shellcheck
# is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=$PWD
golangci_lint=$(hack/tools/build.sh golangci-lint)
failed=0

for module in $(hack/modules.sh); do
  echo "golangci-lint: $module"
  (cd "$module" && "$golangci_lint" run --allow-serial-runners --config "$root/.golangci.yml" ./...) || failed=1
done

if command -v shellcheck >/dev/null; then
  echo "shellcheck"
  git ls-files --cached --others --exclude-standard -- '*.sh' .ci/run | xargs shellcheck --severity=warning || failed=1
else
  echo "shellcheck left out: it is not installed (apt-get install shellcheck)"
fi
exit "$failed"
