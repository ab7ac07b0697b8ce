#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Unpacks the image of an OCI archive into an empty directory: unpack.sh ARCHIVE DIR
set -euo pipefail

archive=$(realpath "$1") dir=$(realpath "$2")
blobs=$(mktemp -d)
trap 'rm -rf "$blobs"' EXIT
tar -xf "$archive" -C "$blobs"

# blob prints a blob after checking it against its digest.
blob() {
  echo "${1#sha256:}  $blobs/blobs/sha256/${1#sha256:}" | sha256sum --check --quiet >&2
  cat "$blobs/blobs/sha256/${1#sha256:}"
}

digests() { grep -o 'sha256:[0-9a-f]\{64\}'; }
manifest=$(blob "$(digests <"$blobs/index.json" | head -1)")
digests <<<"${manifest#*\"layers\"}" | while read -r layer; do
  blob "$layer" | tar -xz -C "$dir"
done
