# One place for the verbs of this project. `make demo` and `make test` work on a fresh Debian or
# Ubuntu with python3, its venv package and make; everything else is installed into .venv here.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: demo test lint types walls format bench clean

demo: $(VENV)/.ready
	@$(BIN)/dialer demo $(ARGS)

test: $(VENV)/.ready
	@$(BIN)/python -m tests.all

lint: $(VENV)/.ready
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .

format: $(VENV)/.ready
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

types: $(VENV)/.ready
	@$(BIN)/mypy dialer tests

walls: $(VENV)/.ready
	@$(BIN)/lint-imports

bench: $(VENV)/.ready
	@$(BIN)/python -m benchmarks $(ARGS)

$(VENV): $(VENV)/.ready

# A half-made environment (interrupted, or made without ensurepip) is thrown away, never repaired.
$(VENV)/.ready: requirements.lock pyproject.toml
	@bash tools/make_environment.sh "$(PYTHON)" "$(VENV)"

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
