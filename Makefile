# The run contract: each target does what it takes on a bare machine with make and Python 3.11, as root or not.
#   make run    make test    make demo    make lint    make bench    make lock    make clean
# PYTHON=/path/to/python3.11 chooses the interpreter, PYTEST_ARGS="tests/pool -x" a part of the tests,
# RUN_ARGS="--port 8080" goes to `run` and `demo`, BENCH_ARGS to `bench`.

PYTHON ?= python3
PYTEST_ARGS ?=
RUN_ARGS ?=
BENCH_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
OLD_VENV := .venv-old
OLD_SDKS := tests/integration/old_sdk/requirements.txt
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
FREEZE := -m pip --disable-pip-version-check freeze --exclude-editable

.DEFAULT_GOAL := help
.PHONY: help run demo test lint install install-dev old-sdk bench lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

run: install  ## serve http://localhost:8000 on SQLite in ./data
	@exec $(BIN)/python -m gateway serve $(RUN_ARGS)

demo: install  ## as run, with a simulated Gemini and keys of every health behind it
	@exec $(BIN)/python -m gateway demo $(RUN_ARGS)

# Here and in lint everything runs even when something has failed: one look shows all that is wrong.
test: install-dev old-sdk  ## lint, types, contracts and every test, on real components
	@status=0; \
	$(MAKE) --no-print-directory lint || status=1; \
	scripts/need-ffmpeg || echo "going on without ffmpeg"; \
	OLD_SDK_PYTHON="$(CURDIR)/$(OLD_VENV)/bin/python" \
		scripts/with-test-database $(BIN)/python -m pytest $(PYTEST_ARGS) || status=1; \
	exit $$status

lint: install-dev  ## ruff, mypy and the import contracts
	@status=0; \
	$(BIN)/ruff check --quiet . || status=1; \
	$(BIN)/ruff format --check --quiet . || status=1; \
	$(BIN)/mypy || status=1; \
	$(BIN)/lint-imports --no-cache || status=1; \
	exit $$status

bench: install-dev  ## the benchmark, against what the machine has
	$(BIN)/python -m tests.load $(BENCH_ARGS)

lock:  ## renew both constraints files from what the registry has now
	rm -rf build/lock build/lock-old
	scripts/make-venv "$(PYTHON)" build/lock
	scripts/requirements.py dev | build/lock/bin/python $(PIP_INSTALL) -r /dev/stdin
	{ echo "# Every package at the version that was tested. Renewed by 'make lock'."; \
		build/lock/bin/python $(FREEZE); } > build/constraints.txt
	scripts/make-venv "$(PYTHON)" build/lock-old
	build/lock-old/bin/python $(PIP_INSTALL) -r $(OLD_SDKS)
	{ echo "# The older generation of SDKs the tests drive from .venv-old. Renewed by 'make lock'."; \
		build/lock-old/bin/python $(FREEZE); } > build/constraints-old-sdk.txt
	mv build/constraints.txt build/constraints-old-sdk.txt .
	rm -rf build/lock build/lock-old

clean:  ## remove what the targets above made, but never ./data
	rm -rf $(VENV) $(OLD_VENV) build bench.json *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev
old-sdk: $(OLD_VENV)/.installed

# The project itself is not built, its folder is put on the path: what is edited runs, and nothing but
# its dependencies is fetched. pip asks no registry for what is there already.
$(VENV)/.installed: constraints.txt setup.cfg scripts/make-venv scripts/requirements.py
	@echo "installing the gateway into $(VENV)"
	@scripts/make-venv "$(PYTHON)" $(VENV)
	@scripts/requirements.py > $(VENV)/requirements.txt
	@$(BIN)/python $(PIP_INSTALL) -c constraints.txt -r $(VENV)/requirements.txt
	@echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/checkout.pth"
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing what the tests need into $(VENV)"
	@scripts/requirements.py dev > $(VENV)/requirements-dev.txt
	@$(BIN)/python $(PIP_INSTALL) -c constraints.txt -r $(VENV)/requirements-dev.txt
	@touch $@

$(OLD_VENV)/.installed: constraints-old-sdk.txt $(OLD_SDKS) scripts/make-venv
	@echo "installing the older SDKs into $(OLD_VENV)"
	@scripts/make-venv "$(PYTHON)" $(OLD_VENV)
	@$(OLD_VENV)/bin/python $(PIP_INSTALL) -c constraints-old-sdk.txt -r $(OLD_SDKS)
	@touch $@
