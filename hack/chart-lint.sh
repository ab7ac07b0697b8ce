#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks the chart against its values schema and Helm's own rules, and renders
# it with the default values and the images that have no default. The API
# server's opinion of what it renders is asked by the integration tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

helm=$(hack/tools/build.sh helm)
values=charts/airlock/ci/values.yaml
"$helm" lint --strict charts/airlock --values "$values"
"$helm" template airlock charts/airlock --namespace airlock-system --values "$values" >/dev/null
echo "charts/airlock renders with its default values"
