# What people type. `make help` lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Where rustup puts cargo, for shells whose profile does not.
export PATH := $(PATH):$(HOME)/.cargo/bin

TARGET := $(or $(CARGO_TARGET_DIR),target)
WELLHEAD := $(TARGET)/release/wellhead
# What `make run` runs, and with which flags besides.
SPEC ?= examples/first.yaml
RUN_FLAGS ?= --show 10
# Passed on to cargo: `make test TEST_FLAGS='-p wellhead' TEST_ARGS='sink::kafka'`.
TEST_FLAGS ?= --workspace
TEST_ARGS ?=
BENCH_FLAGS ?= --workspace --bench bench
# Which groups of rows; all when empty.
BENCH ?=
# The services that the tests need; each is stopped again unless somebody else uses it.
TEST_SERVICES := kafka minio postgres mosquitto registry

CARGO_TEST := cargo test --release --locked $(TEST_FLAGS)

.PHONY: help build run test build-tests bench lint format docs check fuzz services plugins fixtures clean rust

help: ## List what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: plugins ## Build target/release/wellhead, the stock generators inside
	cargo build --release --locked --workspace --bins

run: build ## Build, and run two emulations that need nothing, or one (SPEC=..., RUN_FLAGS=...)
	$(WELLHEAD) run $(SPEC) $(RUN_FLAGS)
ifeq ($(SPEC),examples/first.yaml)
	$(WELLHEAD) run examples/sqlite.yaml
	@! command -v sqlite3 >/dev/null || sqlite3 -box out/payments.db \
	    'SELECT timestamp, home_country, amount, currency, status FROM payments ORDER BY rowid DESC LIMIT 5'
endif

test: build-tests ## Run all tests, with a real Kafka and MinIO (TEST_FLAGS=..., TEST_ARGS=...)
	tests/services.sh with $(TEST_SERVICES) -- tests/languages.sh with $(CARGO_TEST) -- $(TEST_ARGS)

build-tests: fixtures ## Compile what `make test` runs, the programs that it starts too
	cargo build --release --locked --workspace --all-targets

bench: build fixtures ## Measure: ratios of one run, with real services (BENCH='generate languages pipeline kafka s3 postgres mqtt http lateness streams stall resume start verify upload server')
	cargo build --profile guest --locked -p wellhead-native
	cargo bench --profile release --locked $(BENCH_FLAGS) --no-run
	tests/services.sh with $(TEST_SERVICES) -- tests/languages.sh with cargo bench --profile release --locked $(BENCH_FLAGS) -- $(BENCH)

lint: plugins ## Check format, lints, licences, banned crates and where crates come from
	cargo fmt --all --check
	cargo clippy --release --locked --workspace --all-targets -- -D warnings
	plugins/build.sh --lint
	deny=$$(.ci/cargo-deny.sh); "$$deny" --locked check licenses bans sources

format: rust ## Format all code
	cargo fmt --all

docs: plugins ## Build the documentation of the crates, target/doc
	RUSTDOCFLAGS='-D warnings' cargo doc --release --locked --workspace --no-deps

check: test lint ## What CI does: test and lint

fuzz: build ## Try the REST interface against its own description, with requests right and wrong (FUZZ_EXAMPLES=50)
	tests/fuzz/run.sh

services: ## Start Kafka, MinIO, PostgreSQL and Mosquitto, and print their addresses
	@tests/services.sh start kafka minio postgres mosquitto
	@tests/services.sh env
	@echo "They run until you type: tests/services.sh stop" >&2

plugins: rust ## Build the stock generators from source, target/plugins
	plugins/build.sh

fixtures: rust
	plugins/build.sh --fixtures

clean: rust ## Stop the services and remove everything that was built
	tests/services.sh stop
	cargo clean

rust:
	@command -v cargo >/dev/null || { \
	    echo 'cargo is not installed. Install Rust 1.95 or newer with rustup: https://rustup.rs' >&2; exit 1; }
