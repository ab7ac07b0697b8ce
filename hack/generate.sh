#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Writes every generated file below OUT:
#   hack/generate.sh OUT
# `make generate` passes the checkout itself, hack/verify.sh an empty directory
# to compare with.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${1:?usage: hack/generate.sh OUT}
# The chart renders its CRDs from these copies (crds.keep needs a template).
chart_crds=charts/airlock/files/crds

controller_gen=$(hack/tools/build.sh controller-gen)

"$controller_gen" object:headerFile=hack/boilerplate.go.txt paths=./api/... output:object:dir="$out/api/v1alpha1"
"$controller_gen" crd paths=./api/... output:crd:dir="$out/config/crd"
"$controller_gen" rbac:roleName=airlock-manager paths=./controllers/... output:rbac:dir="$out/config/rbac"

mkdir -p "$out/$chart_crds"
rm -f "$out/$chart_crds"/*.yaml
cp "$out"/config/crd/*.yaml "$out/$chart_crds/"
