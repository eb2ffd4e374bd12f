# Two commands for a fresh machine: `make demo` and `make test`. Needs Python 3.11 or newer with pip.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
PIP     = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-all lint format clean

demo: $(VENV)/base
	rm -rf demo
	$(BIN)/lss phantom demo --studies 1 --seed 14
	$(BIN)/lss predict demo/train_images/* --coords demo/train_label_coordinates.csv

test: $(VENV)/dev
	$(BIN)/pytest --numprocesses auto

test-all: $(VENV)/dev
	$(BIN)/pytest --numprocesses auto -m "" --timeout 3600

lint: $(VENV)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV) demo dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/base: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable .
	touch $@

$(VENV)/dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable ".[dev]"
	touch $@ $(VENV)/base
