# Two commands for a fresh machine: `make demo` and `make test`. Needs Python 3.11 or newer with pip.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
PIP     = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-all fuzz lint format docs package clean

demo: $(VENV)/base
	rm -rf demo
	$(BIN)/lss phantom demo --studies 1 --seed 14
	$(BIN)/lss predict demo/train_images/* --coords demo/train_label_coordinates.csv

test: $(VENV)/dev
	$(BIN)/pytest --numprocesses auto --dist worksteal

test-all: $(VENV)/dev
	$(BIN)/pytest --numprocesses auto -m "" --timeout 3600

# Damaged, odd and hostile inputs, for some minutes; see docs/promises.md.
MINUTES ?= 10
SEED    ?= 1
fuzz: $(VENV)/dev
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES) --seed $(SEED)

# The JavaScript of the page is looked at where node is there.
NPX := $(shell command -v npx)

lint: $(VENV)/dev $(if $(NPX),node_modules)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(if $(NPX),npx biome ci .,@echo "node is missing: the JavaScript was not looked at")

format: $(VENV)/dev $(if $(NPX),node_modules)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(if $(NPX),npx biome check --write .)

docs: $(VENV)/dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# A wheel and an sdist in dist/, whole and fit to be published.
package: $(VENV)/dev
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(BIN)/python -m pytest tests/test_package.py

clean:
	rm -rf $(VENV) node_modules demo site dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/base: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable .
	touch $@

$(VENV)/dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable ".[dev]"
	touch $@ $(VENV)/base

node_modules: package.json
	npm install --no-package-lock --no-audit --no-fund
	touch $@
