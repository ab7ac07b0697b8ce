#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds one pinned tool and prints the path of its binary:
#   helm=$(hack/tools/build.sh helm)
# Binaries are cached outside the checkout, under the digest of the
# pins and the Go version, so a changed pin can never run an old binary.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${1:-}

case "$name" in
controller-gen) module=$here package=sigs.k8s.io/controller-tools/cmd/controller-gen ;;
helm) module=$here package=helm.sh/helm/v4/cmd/helm ;;
gotestsum) module=$here package=gotest.tools/gotestsum ;;
golangci-lint) module=$here/lint package=sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter ;;
*)
  echo "usage: hack/tools/build.sh controller-gen|helm|golangci-lint|gotestsum" >&2
  exit 2
  ;;
esac

key=$({
  go env GOVERSION GOOS GOARCH
  cat "$module/go.mod" "$module/go.sum"
} | sha256sum | cut -c1-16)
binary=${XDG_CACHE_HOME:-$HOME/.cache}/airlock/tools/$key/$name

if [[ ! -x $binary ]]; then
  echo "building $name (once for these pins)" >&2
  mkdir -p "$(dirname "$binary")"
  partial=$(mktemp "$binary.XXXXXX")
  trap 'rm -f "$partial"' EXIT
  # GOOS and GOARCH are the host's: a tool runs where it is built.
  CGO_ENABLED=0 GOWORK=off go -C "$module" build -mod=readonly -trimpath -ldflags="-s -w" -o "$partial" "$package" >&2
  chmod 0755 "$partial"
  mv "$partial" "$binary"
fi
echo "$binary"
