# Recourse. `make help` lists the targets.
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BINARY  := recourse
LINTER  := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 30s
# Real lists for the end-to-end test; where the folder is absent a generated sample stands in.
export RECOURSE_DATA ?= $(abspath ../shared/data)

.PHONY: help build run test check lint fuzz bench bench-peers bench-desk bench-lists conformance soak cover clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the binary ./recourse
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $(BINARY) ./cmd/recourse

run: build ## serve the quick-start configuration; LAB=1 needs no network
	./$(BINARY) serve $(if $(LAB),--lab)

test: ## run all tests; ends with what was left out and why
	@bash .ci/test.sh

check: lint build ## what CI runs: lint, build, test
	@$(MAKE) --no-print-directory test

lint: ## run the linters
	@lint=$$(command -v golangci-lint || echo "$(GO) run $(LINTER)"); \
	$$lint run ./... && cd bench && $$lint run --config ../.golangci.yml ./...

fuzz: ## fuzz every target for FUZZTIME (30s) each
	@bash .ci/fuzz.sh $(FUZZTIME)

bench: ## run the benchmarks with allocations
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-peers: ## what answers cost beside the peers: doors, cold, attacks, idle; ARGS chooses (Debian, root)
	@bash bench/peers.sh $(ARGS)

bench-desk: ## 500 pages and calls a second beside 20,000 queries a second: what queries wait, what a page costs
	@bash bench/desk.sh $(ARGS)

bench-lists: ## what lists of 1M and 10M names cost, beside the targets; QUICK=1: 100,000
	@bash bench/lists.sh

conformance: build ## play the conformance suite of ../shared, where it is; ARGS go to it
	@bash .ci/conformance.sh $(ARGS)

soak: build ## five minutes at 5,000 queries a second: goroutines, descriptors, memory
	@bash .ci/soak.sh

cover: ## statement coverage by package
	$(GO) test -cover ./...

clean: ## remove what was built
	rm -rf $(BINARY) build
