# Two commands matter: `make run` and `make test`. Each sets up what it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOWEST := .venv-lowest
ROOT := $(shell test "$$(id -u)" = 0 || echo sudo)
# Every layer with each of the libraries under it, in minutes.
QUICK := tests/rules tests/golden tests/oracle/test_kernels_equal_reference.py \
	tests/engine/test_store.py tests/engine/test_sweep.py tests/engine/test_cluster.py \
	tests/engine/test_object_stores.py tests/unit tests/notebooks

# A test that does not end is told with a traceback and fails, and so does the command.
HUNG := -o faulthandler_timeout=600 -o faulthandler_exit_on_timeout=true --max-worker-restart=0

.PHONY: run test test-browser test-lowest venv lab explore notebooks docs figures bench check stress clean

run: $(READY)  ## set up, then simulate the baseline and print the answer
	$(BIN)/asm-sim run baseline

test: $(READY)  ## set up, then pass all tests
	$(BIN)/python -m tests.compile_first
	$(BIN)/python -m pytest -n 2 --dist loadfile $(HUNG)

test-browser: $(VENV)/.browser-ready $(VENV)/.explore-ready  ## the pages that the package writes, in Debian's Chromium
	@command -v chromium >/dev/null || { $(ROOT) apt-get update -qq && \
		$(ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } || \
		{ echo "Chromium could not be installed (Debian's package chromium); install it and try again"; exit 1; }
	$(BIN)/python -m pytest -m browser tests/browser

$(VENV)/.browser-ready: $(READY) requirements-browser.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-browser.lock
	touch $@

$(VENV)/.explore-ready: $(READY) requirements-explore.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-explore.lock
	touch $@

test-lowest: $(LOWEST)/.ready  ## the quick tests with the lowest versions that pyproject.toml allows
	ASM_SIM_CACHE_DIR=$(CURDIR)/$(LOWEST)/kernels $(LOWEST)/bin/python -m tests.compile_first
	ASM_SIM_CACHE_DIR=$(CURDIR)/$(LOWEST)/kernels $(LOWEST)/bin/python -m pytest -n 2 --dist loadfile $(QUICK)

$(LOWEST)/.ready: requirements-lowest.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or 3.12 is needed, as NumPy 2.0 has no wheel for later ones; set PYTHON=") if sys.version_info[:2] not in ((3, 11), (3, 12)) else None'
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-lowest.lock
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

venv: $(READY)  ## the environment, from the lock file

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed; set PYTHON=") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

lab: $(READY)  ## JupyterLab with the package, on this machine only; LAB="--allow-root" and the like
	$(BIN)/jupyter lab --ServerApp.ip=127.0.0.1 --ServerApp.root_dir=notebooks \
		--ContentsManager.pre_save_hook=asm_sim.lab.without_outputs $(LAB)

explore: $(VENV)/.explore-ready  ## sliders for the rule, on a page that this machine alone can open
	$(BIN)/asm-sim explore

notebooks: $(READY)  ## every notebook at full size, as pages in notebooks/html
	$(BIN)/jupyter nbconvert --log-level=WARN --to html --execute --output-dir notebooks/html notebooks/*.ipynb

docs: $(VENV)/.docs-ready  ## the documentation as a site, its notebooks executed: docs/_build/html/index.html
	rm -rf docs/runs
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --jobs 2 docs docs/_build/html
	@echo "The site is docs/_build/html/index.html."

$(VENV)/.docs-ready: $(READY) requirements-docs.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.lock
	touch $@

figures: $(READY)  ## the figures of figures/ drawn anew, their runs made where they are not there
	$(BIN)/asm-sim figures --make --overwrite

bench: $(READY)  ## speed: where the time goes, and every promised number with limit and verdict
	$(BIN)/python -m tests.bench --long

check: $(READY)  ## style, types, and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

stress: $(READY)  ## the tests that take too long for every day
	$(BIN)/python -m pytest --stress

clean:
	rm -rf docs/_build docs/api docs/notebooks docs/parameters docs/runs
	rm -rf $(VENV) $(LOWEST) .browser .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
