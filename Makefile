# SPDX-License-Identifier: Apache-2.0
# `make` or `make help` lists everything. Longer recipes are scripts in hack/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The cluster that the demo runs in: `node` makes a real one-node cluster on
# this machine, `existing` takes the one that KUBECONFIG names.
CLUSTER ?= node
CLUSTER_NAME ?= airlock
export CLUSTER CLUSTER_NAME

BIN := bin
BENCH ?=

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Develop

.PHONY: generate
generate: ## Generate deepcopy functions, CRDs, the RBAC role and the chart's copies
	hack/generate.sh .

.PHONY: gate-tables
gate-tables: ## Generate and audit the gate's Python tables with the sandbox image's own interpreter (root)
	go -C hack/images run . python
	hack/gatetables/run.sh

.PHONY: build
build: ## Build all commands into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o $(BIN)/ . ./cmd/...

.PHONY: images
images: ## Build the operator and the Python sandbox image into bin/images/, without a container engine
	go -C hack/images run . operator
	go -C hack/images run . python

##@ Check

.PHONY: verify
verify: ## Fail on stale generated files, untracked files, formatting, go vet and untidy modules
	hack/verify.sh

.PHONY: lint
lint: ## Run golangci-lint, with the Kubernetes API linter on api/
	hack/lint.sh

.PHONY: chart-lint
chart-lint: ## Check the chart, and that it renders with its defaults
	hack/chart-lint.sh

.PHONY: test-unit
test-unit: ## Test every package that needs no cluster
	hack/test-unit.sh

.PHONY: test-integration
test-integration: ## Test against a real API server, started and removed here
	hack/test-integration.sh

.PHONY: test-model
test-model: ## Play 10,000 random sequences against a model of the approval protocol (SEED=N to repeat them)
	go test -count=1 -timeout=3h -v ./test/model -sequences=10000 -seed=$(or $(SEED),0)

.PHONY: test-e2e
test-e2e: ## Run the demo and the end-to-end tests on a real node (root, Linux)
	hack/test-e2e.sh

.PHONY: test-oracle
test-oracle: ## Run what the gate allows, and watch for effects that it did not report (root; CORPORA=DIR for more samples)
	hack/test-oracle.sh $(CORPORA)

.PHONY: test-kyverno
test-kyverno: ## Compare the evaluation of organisation rules with Kyverno's own (compiles all of Kyverno: 10 minutes)
	hack/test-kyverno.sh

.PHONY: fuzz
fuzz: ## Fuzz the gate's readers (FUZZTIME=1m for each target)
	hack/fuzz.sh ./internal/gate/...

.PHONY: bench-gate
bench-gate: ## Benchmark reading and judging code: time and allocations at 1, 10 and 100 kB
	go test -run '^$$' -bench . -benchmem ./internal/gate/... ./internal/policy

.PHONY: bench
bench: ## Measure executions beside bare Pods and Jobs on a real control plane with simulated nodes (BENCH="-burst 2000")
	hack/bench.sh -out $(BIN)/bench.json $(BENCH)

# What the data libraries of the sandbox image bring along.
INSTALLED := mpl_toolkits,dateutil,pytz

.PHONY: eval
eval: ## Measure the gate on labelled samples (CORPORA=DIR, OUT=FILE for a decision a line, POLICY=FILE, USES=MODULES)
	go run ./test/eval -corpora $(or $(CORPORA),$(error name a folder of samples: make eval CORPORA=DIR)) $(if $(OUT),-out $(OUT)) \
	  $(if $(POLICY),-policy $(POLICY)) $(if $(USES),-uses $(USES) -installed $(INSTALLED))

.PHONY: test
test: ## Run all checks and tests, and end with a table of what ran
	hack/test.sh

##@ Run

.PHONY: cluster-up
cluster-up: ## Start a real one-node Kubernetes with Cilium (CLUSTER_NAME=airlock)
	go -C hack/cluster run . up --name $(CLUSTER_NAME)

.PHONY: cluster-down
cluster-down: ## Stop that cluster and remove everything it made
	go -C hack/cluster run . down --name $(CLUSTER_NAME)

.PHONY: demo
demo: ## Show the four stories on a real node (CLUSTER=existing uses KUBECONFIG)
	hack/demo.sh
