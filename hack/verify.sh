#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fails on what a reviewer should never have to look for. It changes nothing,
# runs all checks, and says after each failure what to do about it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# check NAME ADVICE COMMAND...: fails when the command fails or prints. What go
# says on standard error (downloads, on a new machine) counts only with a failure.
check() {
  local name=$1 advice=$2 output
  shift 2
  if output=$("$@" 2>"$scratch/stderr") && [[ -z $output ]]; then
    printf '  ok    %s\n' "$name"
    return
  fi
  printf '  FAIL  %s\n' "$name"
  printf '%s\n' "$output" "$(<"$scratch/stderr")" | awk -v most=20 '
    /./ && ++n <= most { print "        " $0 }
    END { if (n > most) print "        ... and " n - most " more lines" }'
  printf '        -> %s\n' "$advice"
  failed=1
}

# shellcheck disable=SC2317 # these are called by name, by check
{
  go_files() { git ls-files --cached --others --exclude-standard -- '*.go' | grep -v '/testdata/'; }

  untracked_files() { git ls-files --others --exclude-standard; }

  unformatted_files() { go_files | xargs gofmt -l; }

  files_without_licence() { go_files | xargs grep -L '^// SPDX-License-Identifier: Apache-2.0$' || true; }

  # The threat model and the bars of approvals promise that each test they name attacks something.
  missing_attack_tests() {
    local test
    grep -ohE '\b(Test|Fuzz)[A-Z][A-Za-z0-9]+' docs/threat-model.md docs/approval.md | sort -u | while read -r test; do
      git grep -qE "^func $test\(" -- '*_test.go' || echo "$test"
    done
  }

  # Both directions: a stale file that is no longer generated fails as well.
  stale_generated_files() {
    hack/generate.sh "$scratch/generated" || return 1
    local path
    for path in api/v1alpha1/zz_generated.deepcopy.go config/crd config/rbac/role.yaml charts/airlock/files/{crds,admission,policies}; do
      diff -r --brief "$path" "$scratch/generated/$path" 2>&1 || true
    done
  }
}

echo "verify"
check "generated files are up to date" "make generate" stale_generated_files
check "no file is untracked" "git add it, or name it in .gitignore" untracked_files
check "Go files are formatted" "gofmt -w FILE" unformatted_files
check "Go files name their licence" "begin with: // SPDX-License-Identifier: Apache-2.0" files_without_licence
check "tests that the threat model names exist" "correct docs/threat-model.md or docs/approval.md" missing_attack_tests
for module in $(hack/modules.sh); do
  check "go.mod is tidy: $module" "go -C $module mod tidy" go -C "$module" mod tidy -diff
  check "go vet: $module" "see the messages" go -C "$module" vet -tags=integration,e2e,cluster,oracle ./...
done
exit "$failed"
