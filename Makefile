# Everything a newcomer needs, one word each. Only Python (3.11 to 3.13), make and a package registry are taken for granted.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
# The locks are complete, so nothing is resolved at install time (--no-deps); every file is checked against its hash.
ifdef UV
INSTALL = $(UV) pip install -q --python $(BIN)/python
else
INSTALL = $(BIN)/python -m pip install -q --disable-pip-version-check
endif

.PHONY: help setup run serve demo test check lint types layers bench audit lock clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.run  ## only set up: a virtual environment and the locked packages

run: $(VENV)/.run  ## set up, poll the configured sources once and print what was found
	@$(BIN)/sholu run

serve: $(VENV)/.run  ## set up and start everything: Prefect UI, schedules, review desk
	@$(BIN)/sholu serve

demo: $(VENV)/.run  ## set up and do the whole job on a small news site served on this machine
	@$(BIN)/sholu demo

test: $(VENV)/.dev  ## set up and run the tests
	@$(BIN)/pytest -n auto --dist loadfile

check: $(VENV)/.dev lint types layers test  ## the one gate: what CI runs

lint: $(VENV)/.dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/.dev
	@$(BIN)/mypy

layers: $(VENV)/.dev
	@$(BIN)/lint-imports

bench: $(VENV)/.dev  ## tables of speed and memory beside peers, in one run (make bench ARGS="--quick articles")
	@$(BIN)/python -m bench $(ARGS)

audit: $(VENV)/.run  ## compare the locked packages with known weaknesses, where their list can be reached
	@PYTHON=$(BIN)/python deploy/audit.sh

lock: $(VENV)/.dev  ## compile the locks anew from pyproject.toml (needs uv)
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 --extra postgres --extra build pyproject.toml -o requirements/run.lock
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 --extra postgres --extra build --extra dev -c requirements/run.lock pyproject.toml -o requirements/dev.lock

clean:  ## remove the virtual environment (not your data in var/)
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Sholu needs Python 3.11 to 3.13, and {sys.executable} is {v[0]}.{v[1]}: make PYTHON=/path/to/python3.12 …")'
	@echo "Setting up: a virtual environment in $(VENV) and the locked packages (about a minute, once) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.lock pyproject.toml | $(BIN)/python
	@$(INSTALL) --no-deps --require-hashes -r requirements/run.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.run
	@$(INSTALL) --no-deps --require-hashes -r requirements/dev.lock
	@touch $@
