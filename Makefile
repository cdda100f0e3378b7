# Overpaint in a dozen verbs. Everything lands in ./.venv; what a verb needs is set up the first time and skipped after.
# Needs: Python 3.11 or newer, make, git, and a package index.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8000
DATA ?= ./data
MINUTES ?= 60

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# A process a core, each with one thread: the networks in the tests are too small to share out.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto
# Two stamps, so that serving never installs what only the tests need. Older than these two files = set up again.
SERVER := .venv/.server-is-set-up
TOOLS := .venv/.tools-are-set-up

.DEFAULT_GOAL := help
.PHONY: help setup serve test hostile faults soak lint bench score audit clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(TOOLS) ## Install everything, tests and tools included

serve: $(SERVER) ## Serve on 127.0.0.1 (PORT=8000 DATA=./data)
	@exec $(BIN)/overpaint serve --port $(PORT) --data $(DATA)

test: $(TOOLS) lint ## Lint, then run all tests
	@$(PYTEST) --dist loadfile

hostile: $(TOOLS) ## What strangers may send, in the long form; goes on where it was interrupted
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.hostile

faults: $(TOOLS) ## What machines may do to it, in the long form; goes on where it was interrupted
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.faults

soak: $(TOOLS) ## An hour of ordinary life, and what grows (MINUTES=60)
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.faults.soak --minutes $(MINUTES)

lint: $(TOOLS) ## Style, types, layers, typos, dead code
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/typos
	@$(BIN)/vulture

bench: $(TOOLS) ## Measure the service and the engine (minutes)
	@$(PIP) install --quiet --constraint constraints.txt --group bench || echo "A peer is missing; its row says so." >&2
	@for script in api inputs latency engine profile; do $(BIN)/python -m benchmarks.$$script || exit 1; done

score: $(TOOLS) ## Judge the mini checkpoint: the short table of its card
	@$(BIN)/python -m training.score --quick

audit: $(TOOLS) ## Write the bill of materials to dist/, look for known advisories
	@$(PIP) install --quiet --constraint constraints.txt --group audit
	@$(BIN)/python -m tests.supply

clean: ## Remove what was set up and built; never ./data
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(SERVER): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found. hint: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Setting up .venv (once; torch is the large part) …" >&2
	@$(PIP) install --quiet --upgrade 'pip>=25.1'
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[server]'
	@touch $@

$(TOOLS): $(SERVER)
	@echo "Adding the test tools …" >&2
	@$(PIP) install --quiet --constraint constraints.txt --group dev
	@touch $@
