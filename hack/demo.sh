#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The four stories, on a real cluster, to follow on the screen. Ends with a table, and with an error if any story ended
# differently than it must.
#
#   CLUSTER=node (default)  makes a one-node cluster on this machine, root needed
#   CLUSTER=existing        uses the cluster of KUBECONFIG; the images come from a registry that it can pull from:
#                           OPERATOR_IMAGE=name@sha256:... SANDBOX_IMAGE=name@sha256:...
#                           SANDBOX_INVENTORY=sha256:...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cluster=${CLUSTER:-node}
cluster_name=${CLUSTER_NAME:-airlock}
namespace=reporting
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

bold='' dim='' green='' red='' plain=''
if [[ -t 1 ]]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi

title() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
say() { printf '%s# %s%s\n' "$dim" "$*" "$plain"; }

# show USER COMMAND...: print the command as USER would type it, then run it.
show() {
  local user=$1
  shift
  printf '\n%s%s$%s %s\n' "$bold" "$user" "$plain" "$(shown "$@")"
  as "$user" "$@"
}

shown() {
  local word out=''
  for word in "$@"; do
    [[ $word =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]] && out+="$word " || out+="'$word' "
  done
  printf '%s' "${out% }"
}

# as USER kubectl ...: with a client certificate of USER's own, or by impersonation where somebody else runs the cluster.
as() {
  local user=$1
  shift
  case $user:$cluster in
    admin:*) "$@" ;;
    *:existing) "$@" --as="$user" ;;
    *) KUBECONFIG="$scratch/$user.kubeconfig" "$@" ;;
  esac
}

# The table at the end: story, what it must end with, what it did end with.
declare -a rows=()
failed=0
check() {
  local story=$1 want=$2 got=$3 mark="${green}ok${plain}"
  if [[ $want != "$got" ]]; then
    mark="${red}FAILED${plain}"
    failed=1
  fi
  rows+=("$story|$want|$got|$mark")
}

field() { kubectl -n "$namespace" get "$1" -o "jsonpath=$2"; }
finished() { kubectl -n "$namespace" wait "exr/$1" --for=condition=Finished --timeout=180s >/dev/null; }

# refused USER APPROVAL: USER tries to approve, the API server must refuse. Prints its sentence; leaves "refused" or "accepted" in $outcome.
refused() {
  outcome=accepted
  if ! show "$1" kubectl -n "$namespace" patch appr "$2" --type=merge \
    -p '{"spec":{"decision":{"verdict":"Approved","reason":"looks fine"}}}' 2>&1; then
    outcome=refused
  fi
}

start_cluster() {
  title "A real cluster"
  if [[ $cluster == existing ]]; then
    say "using the cluster of KUBECONFIG: $(kubectl config current-context)"
    return
  fi
  go -C hack/cluster run . up --name "$cluster_name"
  KUBECONFIG=$(go -C hack/cluster run . kubeconfig --path --name "$cluster_name")
  PATH="$(go -C hack/cluster run . bin --name "$cluster_name"):$PATH"
  export KUBECONFIG PATH
  local user
  for user in agent alice bob; do
    go -C hack/cluster run . user "$user" --name "$cluster_name" -o "$scratch/$user.kubeconfig" >/dev/null
  done
}

# The plugin stands last on the PATH, whose first directory the end of the demo names.
build_plugin() {
  go build -o "$scratch/kubectl-airlock" ./cmd/kubectl-airlock
  PATH="$PATH:$scratch"
}

load_images() {
  title "Two images, built without a container engine"
  if [[ $cluster == existing ]]; then
    operator_image=${OPERATOR_IMAGE:?CLUSTER=existing needs OPERATOR_IMAGE=name@sha256:... (push bin/images/operator.tar)}
    sandbox_image=${SANDBOX_IMAGE:?CLUSTER=existing needs SANDBOX_IMAGE=name@sha256:... (push bin/images/python.tar)}
    inventory=${SANDBOX_INVENTORY:?CLUSTER=existing needs SANDBOX_INVENTORY=sha256:... (bin/images/python.inventory)}
    return
  fi
  make --no-print-directory images
  operator_image=$(<bin/images/operator.digest)
  sandbox_image=$(<bin/images/python.digest)
  inventory=$(<bin/images/python.inventory)
  go -C hack/cluster run . load --name "$cluster_name" "$PWD/bin/images/operator.tar" "$PWD/bin/images/python.tar"
}

# The node has nothing that makes volumes: a folder of the cluster's own, removed with it, takes the audit log.
audit_volume() {
  audit_class=
  [[ $cluster == existing ]] && return
  audit_class=airlock-audit
  local dir
  dir=$(dirname "$KUBECONFIG")/audit
  mkdir -p "$dir"
  kubectl apply -f - >/dev/null <<EOF
apiVersion: v1
kind: PersistentVolume
metadata:
  name: airlock-audit
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 10Gi}
  local: {path: $dir}
  nodeAffinity:
    required:
      nodeSelectorTerms:
      - matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: ["$cluster_name"]}]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: $audit_class
EOF
}

install_chart() {
  title "Airlock, installed with Helm"
  audit_volume
  local helm
  helm=$(hack/tools/build.sh helm)
  "$helm" upgrade --install airlock charts/airlock --namespace airlock-system --create-namespace \
    --set "image.ref=$operator_image" --set "defaultPolicy.pythonImage=$sandbox_image" \
    --set "defaultPolicy.pythonInventory=$inventory" \
    --set "audit.volume.storageClassName=$audit_class" \
    --set-json 'defaultPolicy.egress=[{"host":"api.partner.example","port":80}]' \
    --wait --timeout 180s
  kubectl -n "$namespace" delete exr --all --ignore-not-found >/dev/null 2>&1 || true
  kubectl apply -f config/samples/access.yaml >/dev/null
  kubectl wait xpol/data-analysis --for=condition=Ready --timeout=60s
  await_admission
}

# For some seconds after a CRD is new, the API server answers 503 for objects that a mutating policy matches.
await_admission() {
  local tries
  for ((tries = 0; tries < 60; tries++)); do
    as agent kubectl apply --dry-run=server -f config/samples/b-cleanup.yaml >/dev/null 2>"$scratch/admission" && return
    sleep 1
  done
  echo "requests are not accepted a minute after the installation: $(<"$scratch/admission")" >&2
  return 1
}

story_a() {
  title "Story a: a report over a CSV file. Every operation is on the allowlist"
  show agent kubectl apply -f config/samples/a-report.yaml
  finished a-report
  show agent kubectl -n "$namespace" get exr a-report
  say "what it printed (status.result.stdout.tail):"
  field exr/a-report '{.status.result.stdout.tail}'
  show admin kubectl -n airlock-sandboxes logs "$(field exr/a-report '{.status.podName}')"
  check "a  report over a CSV file" "Allow, Succeeded" "$(field exr/a-report '{.status.verdict.decision}, {.status.state}')"
}

story_b() {
  title "Story b: the agent deletes files outside its workspace. A person has to agree"
  show agent kubectl apply -f config/samples/b-cleanup.yaml
  kubectl -n "$namespace" wait exr/b-cleanup --for=jsonpath='{.status.state}'=AwaitingApproval --timeout=60s >/dev/null
  local approval
  approval=$(field exr/b-cleanup '{.status.approvalName}')
  show alice kubectl -n "$namespace" get appr
  say "what she has to judge; without --text, a terminal gets an interface with keys (kubectl get appr -o yaml has it all, too):"
  show alice kubectl airlock review b-cleanup -n "$namespace" --text
  refused bob "$approval"
  check "b  bob, no approver, decides" refused "$outcome"
  refused agent "$approval"
  check "b  the requester decides" refused "$outcome"
  check "b  still waiting" AwaitingApproval "$(field exr/b-cleanup '{.status.state}')"
  show alice kubectl -n "$namespace" patch appr "$approval" --type=merge \
    -p '{"spec":{"decision":{"verdict":"Approved","reason":"only the scratch directory"}}}'
  finished b-cleanup
  show agent kubectl -n "$namespace" get exr b-cleanup
  field exr/b-cleanup '{.status.result.stdout.tail}'
  check "b  deletes, alice approved" "RequireApproval, Succeeded" "$(field exr/b-cleanup '{.status.verdict.decision}, {.status.state}')"
  check "b  the approval is used up" Consumed "$(field "appr/$approval" '{.status.state}')"
}

story_c() {
  title "Story c: an instruction hidden in a CSV header became code"
  show agent kubectl apply -f config/samples/c-injected.yaml
  finished c-injected
  show agent kubectl -n "$namespace" get exr c-injected
  say "why (status.verdict has it for programs):"
  show agent kubectl airlock explain c-injected -n "$namespace"
  check "c  injected download and exec" "Deny, Untrusted, Denied" "$(field exr/c-injected '{.status.verdict.decision}, {.status.verdict.trust}, {.status.state}')"
  check "c  no pod was made" "" "$(field exr/c-injected '{.status.podName}')"
}

story_d() {
  title "Story d: approved code reaches for more than it was given"
  show agent kubectl apply -f config/samples/d-egress.yaml
  kubectl -n "$namespace" wait exr/d-egress --for=jsonpath='{.status.state}'=AwaitingApproval --timeout=60s >/dev/null
  show alice kubectl -n "$namespace" patch appr "$(field exr/d-egress '{.status.approvalName}')" --type=merge \
    -p '{"spec":{"decision":{"verdict":"Approved","reason":"the partner is fine"}}}'
  finished d-egress
  say "what the code saw:"
  local out
  out=$(field exr/d-egress '{.status.result.stdout.tail}')
  printf '%s\n' "$out"
  check "d  the host it was given" "answered 200" "$(sed -n 's/^api.partner.example //p' <<<"$out")"
  check "d  a host it was not given" failed "$(sed -n 's/^evil.attacker.example \([a-z]*\).*/\1/p' <<<"$out")"
  check "d  an address without a name" failed "$(sed -n 's/^198.51.100.20 \([a-z]*\).*/\1/p' <<<"$out")"
}

print_table() {
  title "What happened"
  kubectl get xpol
  echo
  kubectl get exr,appr -A
  printf '\n%s%-30s %-28s %-28s %s%s\n' "$bold" STORY "MUST BE" WAS "" "$plain"
  local row story want got mark
  for row in "${rows[@]}"; do
    IFS='|' read -r story want got mark <<<"$row"
    printf '%-30s %-28s %-28s %s\n' "$story" "${want:-nothing}" "${got:-nothing}" "$mark"
  done
  if ((failed)); then
    printf '\n%sA story ended differently than it must.%s\n' "$red" "$plain"
    exit 1
  fi
  printf '\nTry next:\n'
  [[ $cluster == existing ]] || printf '  export KUBECONFIG=%s PATH=%s:$PATH\n' "$KUBECONFIG" "${PATH%%:*}"
  printf '  kubectl -n %s describe exr c-injected\n' "$namespace"
  printf '  kubectl -n %s get appr -o yaml\n' "$namespace"
  printf '  kubectl explain executionpolicy.spec\n'
}

start_cluster
build_plugin
load_images
install_chart
story_a
story_b
story_c
story_d
print_table
