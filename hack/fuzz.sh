#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every fuzz target of a part of the tree, one after another:
#   FUZZTIME=10m hack/fuzz.sh ./internal/gate/...
# What fails is written to testdata/fuzz beside the target, and is run by
# `go test` from then on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=${1:-./internal/...}
fuzztime=${FUZZTIME:-1m}
failed=0

for package in $(go list "$packages"); do
  for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
    echo "fuzzing $package $target for $fuzztime"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$fuzztime" "$package" || failed=1
  done
done
exit "$failed"
