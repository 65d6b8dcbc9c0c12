# Post.Office. Two commands are enough: `make run` (try it) and `make test`.
SHELL := /bin/bash
INSTANCE ?= var
BUILD := .build/release

.PHONY: help run build test check format fuzz bench clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: ## install what is missing, build, make a private instance in ./var and serve it until Ctrl-C
	@scripts/bootstrap run
	@scripts/build
	@scripts/run $(INSTANCE)

build: ## release build of everything but the tests
	@scripts/bootstrap run
	@scripts/build

test: ## install what the tests need, build and run every test
	@scripts/bootstrap test
	@scripts/test

check: ## format, direction of imports, RFC tags, must-haves (after `make test`)
	@scripts/check

format: ## rewrite our Swift files in the house format
	@swift format -i --configuration .swift-format -r Package.swift Sources Tests Fuzz/Sources Benchmarks/Sources

fuzz: ## run every fuzzer for SECONDS (default 60)
	@scripts/bootstrap test
	@Fuzz/run $${SECONDS_EACH:-60}

bench: ## side by side with Postfix and Dovecot
	@scripts/bootstrap bench
	@Benchmarks/run

clean:
	rm -rf .build .build-*
