#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the Python sandbox image, checks that the gate's tables are made from
# its libraries and passes the closure audit, and runs the Python, Bash and
# JavaScript that the gate allows under the eyes of test/oracle:
#   hack/test-oracle.sh [CORPORA]
# With --why-not it only says why this machine cannot, or nothing if it can.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

why_not() {
  if [[ $(uname -s) != Linux ]]; then
    echo "needs Linux: code runs in an unpacked image"
  elif [[ $(id -u) != 0 ]]; then
    echo "needs root: run it with sudo to enter the image and to leave root in it"
  fi
}

reason=$(why_not)
if [[ ${1:-} == --why-not ]]; then
  echo "$reason"
  exit
fi
if [[ -n $reason ]]; then
  echo "oracle left out: $reason"
  exit
fi

if [[ -n ${1:-} ]]; then
  CORPORA=$(realpath "$1")
  export CORPORA
fi
gotestsum=$(hack/tools/build.sh gotestsum)
go -C hack/images run . python
hack/gatetables/run.sh --check
"$gotestsum" --format standard-quiet -- -tags oracle -count=1 ./test/oracle/...
