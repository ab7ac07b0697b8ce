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
# The chart renders CRDs, admission policies and its default policy from copies,
# because Helm reads no file outside the chart.
chart_files=charts/airlock/files

controller_gen=$(hack/tools/build.sh controller-gen)

"$controller_gen" object:headerFile=hack/boilerplate.go.txt paths=./api/... output:object:dir="$out/api/v1alpha1"
"$controller_gen" crd paths=./api/... output:crd:dir="$out/config/crd"
"$controller_gen" rbac:roleName=airlock-manager paths=./controllers/... output:rbac:dir="$out/config/rbac"

rm -rf "${out:?}/$chart_files"/{crds,admission,policies}
mkdir -p "$out/$chart_files"/{crds,admission,policies}
cp "$out"/config/crd/*.yaml "$out/$chart_files/crds/"
cp config/admission/*.yaml "$out/$chart_files/admission/"
cp config/samples/policies/data-analysis.yaml "$out/$chart_files/policies/"
