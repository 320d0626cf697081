# The run contract: each target does what it takes on a bare machine with make and Python 3.11, as root or not.
#   make run    make test    make demo    make lint    make bench    make lock    make clean
# PYTHON=/path/to/python3.11 chooses the interpreter, else scripts/choose-python does.
# PYTEST_ARGS="tests/pool -x" names a part of the tests, PYTEST_WORKERS=0 runs them in one process,
# RUN_ARGS="--port 8080" goes to `run` and `demo`, BENCH_ARGS to `bench`.

PYTHON ?=
PYTEST_ARGS ?=
PYTEST_WORKERS ?= 3
RUN_ARGS ?=
BENCH_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
TEMPLATES := $(shell find templates -name '*.html')
COMPILED_TEMPLATES := templates/__pycache__/.compiled
OLD_VENV := .venv-old
OLD_SDKS := tests/integration/old_sdk/requirements.txt
LANGCHAIN_VENV := .venv-langchain
LANGCHAIN := tests/integration/langchain/requirements.txt
JS_SDKS := tests/integration/js_sdk
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
FREEZE := -m pip --disable-pip-version-check freeze --exclude-editable

.DEFAULT_GOAL := help
.PHONY: help run demo test lint install install-dev bytecode old-sdk langchain js-sdk browser-tools bench bench-quick lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

run: install  ## serve http://localhost:8000 on SQLite in ./data
	@exec $(BIN)/python -m gateway serve $(RUN_ARGS)

demo: install  ## as run, with a simulated Gemini and keys of every health behind it
	@exec $(BIN)/python -m gateway demo $(RUN_ARGS)

# Here and in lint everything runs even when something has failed: one look shows all that is wrong.
test: install-dev old-sdk langchain js-sdk browser-tools  ## lint, types, contracts and every test, on real components
	@status=0; \
	$(MAKE) --no-print-directory lint || status=1; \
	scripts/need-ffmpeg || echo "going on without ffmpeg"; \
	scripts/need-prometheus || echo "going on without prometheus"; \
	scripts/need-host-tools || echo "going on without nginx"; \
	OLD_SDK_PYTHON="$(CURDIR)/$(OLD_VENV)/bin/python" \
		scripts/with-test-database $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal $(PYTEST_ARGS) || status=1; \
	exit $$status

lint: install-dev  ## ruff, mypy and the import contracts
	@status=0; \
	$(BIN)/ruff check --quiet . || status=1; \
	$(BIN)/ruff format --check --quiet . || status=1; \
	$(BIN)/mypy || status=1; \
	$(BIN)/lint-imports --no-cache || status=1; \
	exit $$status

bench: install-dev  ## what a call costs, beside nginx and other gateways, against the goals; a quarter of an hour
	scripts/need-bench
	$(BIN)/python -m tests.load $(BENCH_ARGS)

bench-quick: install-dev  ## the same in a few minutes
	scripts/need-bench
	$(BIN)/python -m tests.load --quick $(BENCH_ARGS)

lock:  ## renew the constraints and lock files from what the registries have now
	rm -rf build/lock
	scripts/make-venv "$(PYTHON)" build/lock/this
	scripts/requirements.py dev | build/lock/this/bin/python $(PIP_INSTALL) -r /dev/stdin
	{ echo "# Every package at the version that was tested. Renewed by 'make lock'."; \
		build/lock/this/bin/python $(FREEZE); } > build/lock/constraints.txt
	scripts/lock_image.py build/lock/this/bin/python build/lock/constraints.txt > build/lock/requirements.lock
	scripts/make-venv "$(PYTHON)" build/lock/old
	build/lock/old/bin/python $(PIP_INSTALL) -r $(OLD_SDKS)
	{ echo "# The older generation of SDKs the tests drive from .venv-old. Renewed by 'make lock'."; \
		build/lock/old/bin/python $(FREEZE); } > build/lock/constraints-old-sdk.txt
	scripts/make-venv "$(PYTHON)" build/lock/langchain
	build/lock/langchain/bin/python $(PIP_INSTALL) -r $(LANGCHAIN)
	{ echo "# LangChain as the tests drive it from .venv-langchain. Renewed by 'make lock'."; \
		build/lock/langchain/bin/python $(FREEZE); } > build/lock/constraints-langchain.txt
	cd $(JS_SDKS) && rm -f package-lock.json && npm install --silent --package-lock-only
	mv build/lock/constraints*.txt build/lock/requirements.lock .
	rm -rf build/lock

clean:  ## remove what the targets above made, but never ./data
	rm -rf $(VENV) $(OLD_VENV) $(LANGCHAIN_VENV) $(JS_SDKS)/node_modules build bench.json *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(VENV)/.installed bytecode
install-dev: $(VENV)/.installed-dev bytecode
old-sdk: $(OLD_VENV)/.installed
langchain: $(LANGCHAIN_VENV)/.installed
js-sdk: $(JS_SDKS)/node_modules/.installed

# pip compiles what it installs, our own sources are left. A service or container that may not write beside them
# would compile them at every start, half a second of it, and each page's templates at its first visit. What
# cannot be written here is compiled then.
bytecode: $(COMPILED_TEMPLATES)
	@$(BIN)/python -m compileall -qq gateway admin || true

$(COMPILED_TEMPLATES): $(VENV)/.installed admin/rendering.py $(TEMPLATES)
	@$(BIN)/python -c 'from admin.rendering import compile_all; compile_all()'
	@mkdir -p $(@D) && touch $@ || true

browser-tools:
	@scripts/get-browser-tools

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

# Clients that want other versions than the project's own tests have an environment of their own.
define install_apart
	@echo "installing $(3) into $(1)"
	@scripts/make-venv "$(PYTHON)" $(1)
	@$(1)/bin/python $(PIP_INSTALL) -c $(2) -r $(4)
	@touch $@
endef

$(OLD_VENV)/.installed: constraints-old-sdk.txt $(OLD_SDKS) scripts/make-venv
	$(call install_apart,$(OLD_VENV),$<,the older SDKs,$(OLD_SDKS))

$(LANGCHAIN_VENV)/.installed: constraints-langchain.txt $(LANGCHAIN) scripts/make-venv
	$(call install_apart,$(LANGCHAIN_VENV),$<,LangChain,$(LANGCHAIN))

$(JS_SDKS)/node_modules/.installed: $(JS_SDKS)/package.json $(JS_SDKS)/package-lock.json scripts/install-js-sdks
	@echo "installing the JavaScript SDKs into $(JS_SDKS)"
	@scripts/install-js-sdks $(JS_SDKS)
