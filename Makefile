# Everything here works in .venv, made on first use from requirements/; nothing is installed elsewhere.
# `make help` lists what there is.

PYTHON ?= python3
ARGS   ?=
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --quiet --no-input --disable-pip-version-check

.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:

##@ Use

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo

.PHONY: demo
demo: $(VENV)/.run ## The shop, running and driven step by step; Ctrl-C stops it (ONCE=1: stops by itself)
	@$(BIN)/python examples/shop/demo.py $(ARGS)

##@ Work on it

# Tests that measure what the machine does come after the others, one by one; only the files that
# have some are collected for that. What `make check` leaves out for the sake of time comes last.
ALONE = $(shell grep -rl 'pytest\.mark\.alone' --include='test_*.py' tests examples)

.PHONY: test
test: $(VENV)/.dev $(VENV)/.documents ## All tests (ARGS="tests/call -k deadline" for some)
	@$(BIN)/python -m compileall -q src
	@$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile $(or $(ARGS),-m "not alone")
	@$(if $(ARGS),,$(BIN)/python -m pytest -m alone $(ALONE))
	@$(if $(ARGS),,$(MAKE) --jobs=2 --keep-going --no-print-directory $(GROUPED) \
	  check-pyright-tests check-mypy-examples)

.PHONY: tox
tox: $(VENV)/.dev ## All tests under every Python we promise, as far as it is here (ARGS="-e py312")
	@$(BIN)/tox run --skip-missing-interpreters=true $(ARGS)

# The two type checkers take longest: they start first and run side by side. All that fails is shown.
.PHONY: check
check: $(VENV)/.dev ## Format, lint, types (mypy and pyright), floors, house rules, public names
	@$(MAKE) --jobs=2 --keep-going --no-print-directory $(GROUPED) \
	  check-pyright check-mypy check-format check-lint check-floors check-house

GROUPED := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

# Each example is a system of its own, with its own package and its own `tests`.
EXAMPLES := $(patsubst %/coterie.toml,%,$(wildcard examples/*/coterie.toml)) \
  $(wildcard examples/patterns/[0-9]*)

# Both type checkers read all of it. What one of them has read in `make check`, and would take the
# other too long for that, is a part of `make test`: the tests for pyright, the examples for mypy.
.PHONY: check-pyright check-pyright-tests check-mypy check-mypy-examples
.PHONY: check-format check-lint check-floors check-house
check-pyright:
	@$(BIN)/pyright src typing_tests tools examples
check-pyright-tests: $(VENV)/.dev ## (of `make test`) The tests under pyright
	@$(BIN)/pyright tests
check-mypy:
	@$(BIN)/mypy
check-mypy-examples: $(VENV)/.dev ## (of `make test`) Each example under mypy, as a root of its own
	@for folder in $(EXAMPLES); do MYPYPATH=$$folder:$$folder/tests $(BIN)/mypy $$folder || exit 1; done
check-format:
	@$(BIN)/ruff format --check --output-format=concise
check-lint:
	@$(BIN)/ruff check --output-format=concise
check-floors:
	@$(BIN)/lint-imports --no-logo
check-house:
	@$(BIN)/python -m pytest --quiet tests/test_house.py tests/test_public_names.py

.PHONY: format
format: $(VENV)/.dev ## Put the code into shape, mend what can be mended by rule
	@$(BIN)/ruff format && $(BIN)/ruff check --fix

.PHONY: names
names: $(VENV)/.dev ## Write down the public names anew, after a change you mean
	@$(BIN)/python tools/names.py > tests/public_names.txt && git diff --stat -- tests/public_names.txt

.PHONY: promises
promises: $(VENV)/.dev ## Which promises the tests prove, and which are open (ARGS=--json)
	@$(BIN)/python tools/promises.py $(ARGS)

.PHONY: attack
attack: $(VENV)/.dev ## Schemathesis against the shop, 10,000 requests a service (ARGS="--cases 1000 --seed 7")
	@$(BIN)/python examples/shop/tests/shop_attack.py $(ARGS)

.PHONY: rolling
rolling: $(VENV)/.dev ## Every service replaced again and again under 20,000 requests (ARGS=--kill: the control)
	@$(BIN)/python -m tests.console.processes.rolling $(ARGS)

.PHONY: protection
protection: $(VENV)/.dev ## The tests of protection at their full length, alone on the machine: ten minutes
	@COTERIE_TEST_LONG=1 $(BIN)/python -m pytest -n0 -o faulthandler_timeout=600 tests/protection $(ARGS)

.PHONY: chaos
chaos: $(VENV)/.run ## Five minutes of kills, pauses and faults in the shop (ARGS="--minutes 1 --number 7")
	@$(BIN)/coterie chaos examples/shop --minutes 5 --number 42 $(ARGS)

.PHONY: docs
docs: $(VENV)/.dev ## The documentation, into docs/_build/html; a warning is an error
	@$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet --builder html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

.PHONY: bench
bench: $(VENV)/.run ## The speed figures, peers side by side; one JSON line a figure (ARGS=--quick)
	@$(BIN)/python -m bench $(ARGS)

##@ Keep house

# UPGRADE=1 takes the newest versions; without it, what is pinned stays where the inputs allow it.
COMPILE = $(VENV)/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-annotate --no-header $(if $(UPGRADE),--upgrade) \
  pyproject.toml --extra postgres --extra passwords --extra yaml requirements/build.in

.PHONY: lock
lock: $(VENV)/uv/bin/uv ## Resolve requirements/*.txt anew from pyproject.toml and requirements/*.in
	@$(COMPILE) -o requirements/run.txt
	@$(COMPILE) requirements/dev.in --constraint requirements/run.txt -o requirements/dev.txt
	@$(COMPILE) requirements/bench.in --constraint requirements/run.txt -o requirements/bench.txt
	@git diff --stat -- requirements

.PHONY: clean
clean: ## Remove the environments, caches and built files
	@rm -rf $(VENV) .venv-bench .tox docs/_build dist
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- What the targets stand on: a stamp says that an environment holds what a file of pins says. ---

define NO_PYTHON
Coterie needs Python 3.11 or newer with its venv module; `$(PYTHON)` is not that.
  Another Python on this machine:  make $(MAKECMDGOALS) PYTHON=python3.12
  Debian, Ubuntu:                  sudo apt-get install python3 python3-venv
  macOS with Homebrew:             brew install python@3.12
endef
export NO_PYTHON

$(BIN)/python:
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "$$NO_PYTHON" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing Coterie into $(VENV) (some 10 seconds, the first time only)"
	@$(PIP) --require-hashes --requirement requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# dev.txt holds all of run.txt at the same versions (a test says so), so one install makes both true.
$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing Coterie and its tools into $(VENV) (some 30 seconds, the first time only)"
	@$(PIP) --require-hashes --requirement requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.run $@

# Documents of real programs for the tests of the importer, 30 MB.
$(VENV)/.documents: requirements/documents.list | $(VENV)/.dev
	@echo "Fetching documents of real programs (some 5 seconds, the first time only)"
	@$(BIN)/python tools/documents.py
	@touch $@

$(VENV)/uv/bin/uv: | $(BIN)/python
	@$(BIN)/python -m venv $(VENV)/uv
	@$(VENV)/uv/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
