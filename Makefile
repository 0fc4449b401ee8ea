# SPDX-License-Identifier: Apache-2.0
# Each target sets itself up first: git, make and Python 3.11 are enough. With uv: `uv run tsuzuku demo`, `uv run pytest`.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test journeys check lint types faults load soak proofs bench format reference setup browser

export TSUZUKU_HOME ?= $(CURDIR)/.tsuzuku
BIN := .venv/bin
N ?= 20
CLIENTS ?= 1000
KILLS ?= 24
MINUTES ?= 10
RECORDS ?= 1000000
ORDERS ?= 10000
CASES ?= 5000
RENEWAL = tests/journeys/test_weight.py
TEMPLATES = $(shell find src -path '*/templates/*.html')

help: ## List these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F '\t' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: setup ## Run everything with data to try it on; RESET=1 starts over
	@$(BIN)/tsuzuku demo $(if $(RESET),--reset)

# Tests wait for processes and time-outs about as often as they compute, hence three processes on two cores.
test: setup browser ## Run the tests, and a renewal in a real browser
	@$(BIN)/pytest --numprocesses 3 --dist loadfile --ignore=tests/journeys
	@$(BIN)/pytest $(RENEWAL)

journeys: setup browser ## Walk through everything else in a real browser, in two installations side by side
	@$(BIN)/pytest tests/journeys --numprocesses 2 --dist loadfile $(RENEWAL:%=--ignore=%)

check: lint types test journeys faults ## Run all that must hold: linters, types, tests, journeys, faults
	@$(BIN)/python -m tests.faults.partners --clients 60 --kills 6
	@$(BIN)/python -m tests.proofs.reconciling --orders $(ORDERS)

lint: setup ## Look at style, formatting, directions of imports and templates
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/lint-imports
	@$(BIN)/djade --check --target-version 5.2 $(TEMPLATES)

types: setup ## Check types
	@$(BIN)/mypy

faults: setup ## Kill processes N times in the middle of renewals; nothing may be lost or doubled
	@$(BIN)/python -m tests.faults --kills $(N)

load: setup ## Kill processes KILLS times while CLIENTS partners renew; no yen may be lost
	@$(BIN)/python -m tests.faults.partners --clients $(CLIENTS) --kills $(KILLS)

soak: setup ## Load for MINUTES and compare the memory of web and worker at the end with that after a fifth
	@$(BIN)/python -m bench.soak --minutes $(MINUTES)

proofs: setup ## Draw RECORDS of usage, in order and shuffled; reconcile ORDERS with differences planted; compare CASES of advice
	@$(BIN)/python -m tests.proofs --records $(RECORDS)
	@$(BIN)/python -m tests.proofs.reconciling --orders $(ORDERS)
	@$(BIN)/python -m tests.proofs.advising --cases $(CASES)

bench: setup browser ## Measure beside a plain program; SCALE=10 for more data, GROWTH=1 for how cost grows
	@$(BIN)/python -m bench $(if $(SCALE),--scale $(SCALE)) $(if $(GROWTH),--growth)

format: setup ## Format code and templates
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format --quiet
	@$(BIN)/djade --target-version 5.2 $(TEMPLATES) || true

reference: setup ## Write the pages of docs/ that the code dictates
	@$(BIN)/python -m tsuzuku.project.reference docs

setup: .venv/.ready

browser: setup
	@bin/browser

.venv/.ready: bin/setup pyproject.toml uv.lock $(wildcard src/tsuzuku/locale/*/LC_MESSAGES/*.po)
	@bin/setup
