#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Compares how Airlock evaluates organisation rules with Kyverno's own engine and
# command line. The module is resolved anew on a copy of its go.mod, so that it
# follows the versions of the main module without being edited with them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/kyverno"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp go.mod go.sum "$scratch"
go test -mod=mod -modfile="$scratch/go.mod" -count=1 "$@" ./...
