# One place for the verbs of this project. `make demo` and `make test` work on a fresh Debian or
# Ubuntu with python3, its venv package and make; everything else is installed into .venv here.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: demo test lint types walls format docs bench clean install deb

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

# The documents that are drawn from the code; a test holds them to it.
docs: $(VENV)/.ready
	@$(BIN)/python tools/generate_docs.py
	@$(BIN)/python tools/make_dashboards.py

bench: $(VENV)/.ready
	@$(BIN)/python -m benchmarks $(ARGS)

# Onto this machine, or into DESTDIR: program, systemd units, documents; configuration only where
# there is none yet. Then: docs/install.md.
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR ?=
install: $(VENV)/.ready
	@$(BIN)/python tools/install_tree.py --destdir "$(DESTDIR)" --prefix "$(PREFIX)" \
	    --sysconfdir "$(SYSCONFDIR)"

# dist/dialer_VERSION_ARCH.deb
deb: $(VENV)/.ready
	@bash tools/make_deb.sh

$(VENV): $(VENV)/.ready

# A half-made environment (interrupted, or made without ensurepip) is thrown away, never repaired.
$(VENV)/.ready: requirements.lock tools/make_environment.sh
	@bash tools/make_environment.sh "$(PYTHON)" "$(VENV)"

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# After a change of the dependencies in pyproject.toml; needs uv.
.PHONY: lock
lock:
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-header --python-version 3.11 --extra demo --extra test pyproject.toml \
	    -o requirements.lock
