#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes tables.txt and names.txt of internal/gate/python with the interpreter and the libraries
# of the Python sandbox image, audits it, and shows what changed. With --check it
# changes nothing, and fails when the committed tables are not what it would write.
#
#   go -C hack/images run . python && hack/gatetables/run.sh [--check]
#
# Needs Linux, and root or user namespaces. The scripts run without a network.
set -euo pipefail
cd "$(dirname "$0")/../.."

tables=internal/gate/python
archive=bin/images/python.tar
if [ ! -f "$archive" ]; then
  echo "no $archive: build it with go -C hack/images run . python" >&2
  exit 1
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root" # the sandbox user looks things up in it
hack/gatetables/unpack.sh "$archive" "$root"

gate=$root/tmp/gate
mkdir -p "$gate/hack" "$gate/$tables"
cp -r hack/gatetables "$gate/hack/"
cp "$tables"/*.txt "$gate/$tables/"
namespaces=(--mount --net --pid --fork --kill-child) user=()
if [ "$(id -u)" = 0 ]; then
  chown -R 65532:65532 "$gate"
  user=(--userspec=65532:65532)
else
  namespaces+=(--map-root-user)
fi

# inside runs a script with the image's Python, as the sandbox would.
inside() {
  # shellcheck disable=SC2016 # the inner shell expands these
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 MPLBACKEND=Agg MPLCONFIGDIR=/tmp root="$root" \
    unshare "${namespaces[@]}" sh -c 'mount --rbind /dev "$root/dev" && mount -t proc proc "$root/proc" && exec chroot "$@"' sh \
    "${user[@]}" "$root" /usr/bin/python3 -E -s -B "/tmp/gate/hack/gatetables/$1"
}

inside generate.py
inside audit.py
for table in tables.txt names.txt; do
  if ! diff -u "$tables/$table" "$gate/$tables/$table"; then
    [ "${1:-}" != --check ] || exit 1
    cp "$gate/$tables/$table" "$tables/$table"
  fi
done
