#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Lists the directories of the Go modules that hold code of this project.
# Left out: hack/tools and hack/cluster/components, which only pin what is built
# from elsewhere, and hack/kyverno, which has a script of its own. Checking them
# would compile all of it once more.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

git ls-files --cached --others --exclude-standard -- 'go.mod' '*/go.mod' |
  grep -vE '^hack/(tools|cluster/components|kyverno)/' |
  xargs -n 1 dirname
