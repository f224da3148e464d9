# make run   set up, build the store when missing or out of date, open the app on http://127.0.0.1:8501
# make test  set up, then format check, lint, types, import rules, tests (a skipped test fails)
# make check set up, then format check, lint, types, import rules, and the tests nearest to what changed
# make test-sources set up, then read the source documents again (SUTU_SHARED, or ../shared beside the checkout)
# make test-lowest, make test-newest the tests with the lowest and the newest versions that pyproject.toml allows
# make attack the heavy hostile files, attacks watched by strace, ten visitors at once, the long fuzz
# make docs  signatures and docstrings of every room as pages to read offline: build/docs/index.html
# make worlds 500 random small worlds: every method of geo beside a brute-force oracle, and its laws
# make mutants put faults into the code one by one: the nearest tests must notice most of a seeded sample
# make bench the benchmark table

SHELL := /bin/bash
VENV  ?= .venv
BIN   := $(VENV)/bin
HOST  ?= 127.0.0.1
PORT  ?= 8501
JOBS  ?= 2
ROOMS := geo data layers analysis exports reports pages server commands
CODE  := app.py cli.py $(ROOMS) tests benchmarks scripts

.PHONY: run test check test-sources test-lowest test-newest attack worlds mutants docs bench lint format types imports unit docs-screenshots lock clean

run: $(VENV)/.run
	@$(BIN)/sutu serve --host $(HOST) --port $(PORT)

test: $(VENV)/.dev lint types imports unit

check: $(VENV)/.dev lint types imports
	$(BIN)/python -m scripts.check_changed

test-sources: $(VENV)/.dev
	$(BIN)/python -m pytest tests/sources

lint: $(VENV)/.dev
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)

format: $(VENV)/.dev
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

unit: $(VENV)/.dev
	@bash scripts/need.sh chromium
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

test-lowest: $(VENV)/.dev
	@bash scripts/need.sh chromium
	bash scripts/test_versions.sh $(BIN) lowest-direct $(JOBS)

test-newest: $(VENV)/.dev
	@bash scripts/need.sh chromium
	bash scripts/test_versions.sh $(BIN) highest $(JOBS)

attack: $(VENV)/.dev
	@bash scripts/need.sh chromium
	@bash scripts/need.sh strace
	$(BIN)/python -m tests.attack

docs: $(VENV)/.dev
	$(BIN)/python -m pdoc --no-show-source --output-directory build/docs $(ROOMS) app cli

worlds: $(VENV)/.dev
	$(BIN)/python -m tests.worlds

mutants: $(VENV)/.dev
	$(BIN)/python -m tests.mutants

bench: $(VENV)/.dev
	@bash scripts/need.sh chromium
	$(BIN)/python -m benchmarks all

docs-screenshots: $(VENV)/.dev
	@bash scripts/need.sh chromium
	$(BIN)/python -m scripts.docs_screenshots

# Run after a change of dependencies in pyproject.toml, from an environment that reaches a package index.
lock: $(VENV)/.dev
	bash scripts/lock.sh $(BIN)

$(VENV)/.run: requirements.lock pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh $(VENV) requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh $(VENV) requirements-dev.lock
	@touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
