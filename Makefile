PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

PYTEST := $(BIN)/coverage run -m pytest
# More workers than cores: the tests often wait for a sandbox that is slow on purpose.
QUICK := $(PYTEST) -n 4 --dist worksteal -m "not slow"
# Their slow tests time interrupts, so no others run in parallel.
INTERRUPTED := tests/test_kernel.py tests/test_calling.py tests/test_stop.py

.DEFAULT_GOAL := help
.PHONY: help demo test test-all notebook lint types imports bench clean

help: ## List the commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pronto-pandas needs Python 3.11 or newer; say which with: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

$(VENV)/.notebook: $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[dev,notebook]'
	touch $@

demo: $(READY) ## Enrich a sample list against the sandbox on this machine
	@$(BIN)/python notebooks/demo.py

test: $(READY) ## Run the quick tests, with branch coverage (4 minutes)
	$(BIN)/coverage erase
	$(QUICK)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-all: $(READY) ## Run all tests: also browsers, kernels, many kills, long simulations
	$(BIN)/coverage erase
	$(QUICK)
	$(PYTEST) -n 2 --dist worksteal -m slow $(INTERRUPTED:%=--ignore=%)
	$(PYTEST) -m slow $(INTERRUPTED)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

notebook: $(VENV)/.notebook ## Open the quickstart in JupyterLab
	$(BIN)/jupyter lab notebooks/quickstart.ipynb

lint: $(READY) ## Ruff: lint and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/nbstripout --verify notebooks/*.ipynb

types: $(READY) ## mypy, strict
	$(BIN)/mypy

imports: $(READY) ## The direction of imports
	$(BIN)/lint-imports

$(VENV)/.bench: $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[dev,bench]'
	touch $@

bench: $(VENV)/.bench ## Measure against the sandbox, beside common recipes (20 minutes)
	$(BIN)/python benchmarks/compare.py

clean: ## Remove the environment and what tools left
	rm -rf $(VENV) build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
