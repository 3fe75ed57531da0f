# Each verb sets up .venv by itself when it is missing or older than the lock. README says what to
# type where there is no make.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null \
	&& echo $$p && break; done)
BIN := .venv/bin
STUDIES ?= sample mobile telco
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup report test test-all chaos test-notebooks test-fast coverage types lab lint notebooks bench lock clean
report: setup  ## load the studies that come with it and make their reports
	@$(BIN)/cx load $(STUDIES)
	@$(BIN)/cx run $(STUDIES)

test: setup test-notebooks  ## the tests that each change must pass
	@$(BIN)/python -m pytest -n 2 -p no:nbval -m "not coverage and not thorough" --doctest-modules tests cxlib

test-all: setup test-notebooks  ## every test, with all studies, parameters and groups (more than an hour)
	@$(BIN)/python -m pytest -n 2 -p no:nbval --doctest-modules tests cxlib

coverage: setup  ## how often intervals hold the truth, over repeated samples; renews docs/coverage.md
	@$(BIN)/python -m pytest -n 2 -p no:nbval -m coverage --coverage-table docs/coverage.md tests

chaos: setup  ## hostile files, conditions and crashes, each in a process of its own (about an hour)
	@$(BIN)/python tests/chaos/conditions.py
	@$(BIN)/python tests/chaos/campaign.py
	@$(BIN)/python tests/chaos/crashes.py

test-notebooks: setup  ## the committed outputs of the notebooks, where cells are tagged for it
	@$(BIN)/cx load sample >/dev/null
	@$(BIN)/python -m pytest -n 2 --dist loadfile --nbval-lax --nbval-sanitize-with tests/nbval.cfg notebooks

test-fast: setup  ## the tests to run while you work, with the examples of docstrings
	@$(BIN)/python -m pytest -n 2 -p no:nbval -m "not slow and not browser and not coverage and not thorough" --doctest-modules tests cxlib

lab: setup  ## JupyterLab at the project, on the list of questions
	@JUPYTER_CONFIG_PATH=.jupyter $(BIN)/jupyter lab index.ipynb

types: setup  ## mypy
	@$(BIN)/mypy

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

notebooks: setup  ## run the notebooks on the sample and keep their outputs
	@$(BIN)/python tests/refresh_notebooks.py

bench: setup  ## speed beside named peers, as ratios
	@$(BIN)/python -m pytest tests/benchmarks -q -s

lock: setup  ## renew requirements.lock (needs uv); no index address is written
	uv pip compile pyproject.toml --extra lab --extra dask --extra databases --extra export --extra test --group build --universal --generate-hashes \
		--python-version 3.11 --no-header --no-annotate -o requirements.lock

setup: .venv/made

.venv/made: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 (with venv) is needed and was not found. Install it, or name it: make PYTHON=/path/to/python $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up .venv (once; about a minute) ..."
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@# uv installs the same files several times faster; pip where there is none, or where uv reaches no index.
	@command -v uv >/dev/null 2>&1 && uv pip install --quiet --python $(BIN)/python --compile-bytecode \
		--require-hashes --requirement requirements.lock 2>/dev/null || \
		$(BIN)/pip install --quiet --require-hashes --requirement requirements.lock
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

clean:  ## remove what was made here: the environment, reserves and reports
	@rm -rf .venv reports/*/ data/*/reserve.duckdb
