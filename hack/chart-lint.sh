#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks the chart against its values schema and Helm's own rules, and renders
# it. The API server's opinion of what it renders is asked by the integration
# tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

helm=$(hack/tools/build.sh helm)
values=charts/airlock/ci/values.yaml

"$helm" lint --strict charts/airlock --values "$values"
objects=$("$helm" template airlock charts/airlock --namespace airlock-system --values "$values" | grep -c '^kind:')
echo "charts/airlock renders $objects objects"
