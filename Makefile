# The contract: run, demo, test, bench. Needs make and Python 3.11 or newer; as root it installs what else is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLD_VENV := .venv-old
PIP_FLAGS := --quiet --disable-pip-version-check
RUN_ARGS ?=

.PHONY: run demo test lint types contracts pytest bench lock clean system-test-packages

run: $(VENV)/.installed
	$(BIN)/python -m gateway serve $(RUN_ARGS)

demo: $(VENV)/.installed
	$(BIN)/python -m gateway demo $(RUN_ARGS)

test: lint types contracts pytest

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

contracts: $(VENV)/.installed-dev
	$(BIN)/lint-imports

pytest: $(VENV)/.installed-dev $(OLD_VENV)/.installed system-test-packages
	OLD_SDK_PYTHON=$(abspath $(OLD_VENV)/bin/python) $(BIN)/pytest --durations=10 $(PYTEST_ARGS)

bench: $(VENV)/.installed-dev
	$(BIN)/python -m tests.load $(BENCH_ARGS)

# Renews the pinned versions of everything that `make run` installs.
lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install $(PIP_FLAGS) .
	build/lock/bin/pip freeze --exclude gemini-balance-gateway | grep -v ' @ ' > constraints.txt

clean:
	rm -rf $(VENV) $(OLD_VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; PYTHON=/path/to/python3.11 make … names another one."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; } || \
	  { echo "The venv module is missing: install the package python3-venv."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The stamps: nothing is installed twice, and nothing is asked of the network when all is there.
$(VENV)/.installed: setup.cfg constraints.txt | $(BIN)/python
	$(BIN)/pip install $(PIP_FLAGS) --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: setup.cfg constraints.txt | $(BIN)/python
	$(BIN)/pip install $(PIP_FLAGS) --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.installed

# One older generation of the SDKs, kept apart because two generations cannot live in one environment.
$(OLD_VENV)/.installed: tests/integration/old_sdk/requirements.txt
	$(PYTHON) -m venv $(OLD_VENV)
	$(OLD_VENV)/bin/pip install $(PIP_FLAGS) --requirement tests/integration/old_sdk/requirements.txt
	@touch $@

# A database server for the store's tests: the one that answers, else Debian's own, started here.
system-test-packages:
	@scripts/test-database
