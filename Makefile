# Everything one does with this repository. `make help` lists it; the longer
# recipes are scripts in scripts/, each usable by itself.

SHELL := /bin/bash
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# Stamped by hand, so that a checkout owned by somebody else builds too.
GO_BUILD := CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags '-s -w -X main.version=$(VERSION)'

.PHONY: help build run test test-unit test-race fuzz soak bench lint fmt vuln clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the static binary, ./bin/huiyin
	$(GO_BUILD) -o bin/huiyin ./cmd/huiyin

run: build ## build what is missing and start the demo on http://localhost:8080
	./bin/huiyin demo

test: ## set up what is missing and run every suite, on both engines, in 30 minutes
	scripts/test.sh all

test-unit: ## the packages' own tests, on both engines
	scripts/test.sh unit

test-race: ## the same under the race detector
	scripts/test.sh race

fuzz: ## every fuzz target, two minutes in all (FUZZ_SECONDS=n for longer)
	scripts/fuzz.sh

soak: build ## simulate seed after seed until stopped; goes on where it was (SOAK_MINUTES=n)
	scripts/soak.sh

bench: build ## every benchmark on both engines, results in .cache/bench
	scripts/bench.sh

lint: ## gofumpt, vet, staticcheck, errcheck, dead code
	scripts/lint.sh

fmt: ## format all Go files
	go run mvdan.cc/gofumpt@v0.12.0 -w cmd internal $(wildcard test)

vuln: ## known vulnerabilities in what we call (the database comes from HUIYIN_DATA)
	scripts/vuln.sh

clean: ## remove what was built; caches of Go stay
	rm -rf bin .cache/bench .cache/vulndb
