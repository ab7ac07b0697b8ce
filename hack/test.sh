#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every check and test in order, goes on after a failure, and ends with a
# table of what passed, what failed and what was left out and why.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rows=()
failed=0

step() {
  local name=$1 started=$SECONDS
  shift
  printf '\n=== %s\n' "$name"
  if "$@"; then
    rows+=("$(printf '%-12s %-8s %4ds' "$name" passed $((SECONDS - started)))")
  else
    rows+=("$(printf '%-12s %-8s %4ds' "$name" FAILED $((SECONDS - started)))")
    failed=1
  fi
}

left_out() { rows+=("$(printf '%-12s %-8s       %s' "$1" "left out" "$2")"); }

step verify hack/verify.sh
step lint hack/lint.sh
step chart-lint hack/chart-lint.sh
step unit hack/test-unit.sh
reason=$(hack/test-oracle.sh --why-not)
if [[ -n $reason ]]; then
  left_out oracle "$reason"
else
  step oracle hack/test-oracle.sh
fi
step integration hack/test-integration.sh
reason=$(hack/test-e2e.sh --why-not)
if [[ -n $reason ]]; then
  left_out e2e "$reason"
else
  step e2e hack/test-e2e.sh
fi

printf '\n%-12s %-8s %5s  %s\n' STEP RESULT TIME WHY
printf '%s\n' "${rows[@]}"
exit "$failed"
