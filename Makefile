# Each verb sets up .venv by itself when it is missing or older than the lock. README says what to
# type where there is no make.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null \
	&& echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
FAST := not slow and not browser and not coverage and not thorough
STUDIES ?= sample mobile telco
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup report test test-all chaos test-notebooks test-fast test-313 coverage coverage-code witnesses docs types audit lab lint notebooks bench lock clean
# Two workers on two processors: with more threads in each they would only wait for each other.
test test-all test-notebooks test-fast coverage coverage-code witnesses: export OMP_NUM_THREADS := 1
# On a slow machine a bar of progress would be an output that the committed notebooks do not have.
test-notebooks: export TQDM_DISABLE := 1

report: setup  ## load the studies that come with it and make their reports
	@$(BIN)/cx load $(STUDIES)
	@$(BIN)/cx run $(STUDIES)

test: setup test-notebooks  ## the tests that each change must pass
	@$(BIN)/python -m pytest -n 2 --dist worksteal -p no:nbval -m "not coverage and not thorough" --doctest-modules tests cxlib

test-all: setup test-notebooks  ## every test, with all studies, parameters and groups (more than an hour)
	@$(BIN)/python -m pytest -n 2 --dist worksteal -p no:nbval --doctest-modules tests cxlib

coverage: setup  ## how often intervals hold the truth, over repeated samples; renews docs/coverage.md
	@$(BIN)/python -m pytest -n 2 --dist worksteal -p no:nbval -m coverage --coverage-table docs/coverage.md tests

witnesses: setup  ## how near methods come to published values and other programs; renews docs/witnesses.md
	@$(BIN)/python -m pytest -n 2 --dist worksteal -p no:nbval -m witness --witness-table docs/witnesses.md tests

chaos: setup  ## hostile files, conditions, crashes and payloads in a browser (an hour or two)
	@$(BIN)/python tests/chaos/conditions.py
	@$(BIN)/python tests/chaos/campaign.py
	@$(BIN)/python tests/chaos/crashes.py
	@$(BIN)/python tests/chaos/injection.py

test-notebooks: setup  ## the committed outputs of the notebooks, where cells are tagged for it
	@$(BIN)/cx load sample >/dev/null
	@$(BIN)/python -m pytest -n 2 --dist loadfile --nbval-lax --nbval-sanitize-with tests/nbval.cfg notebooks

test-fast: setup  ## the tests to run while you work
	@$(BIN)/python -m pytest -n 2 --dist loadfile -p no:nbval -m "$(FAST)" tests

test-313:  ## test-fast with Python 3.13, in an environment of its own
	@$(MAKE) VENV=.venv313 PYTHON=python3.13 test-fast

coverage-code: setup  ## which lines and branches the tests run, in per cent by file; half an hour or more
	@$(BIN)/python -m pytest -n 2 --dist worksteal -p no:nbval -m "not browser and not coverage and not thorough" \
		--cov --cov-report=term:skip-covered --doctest-modules tests cxlib

docs: setup  ## the documentation site, build/docs/index.html; no network is used
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -c docs . build/docs
	@echo build/docs/index.html

lab: setup  ## JupyterLab at the project, on the list of questions
	@$(BIN)/jupyter lab index.ipynb

types: setup  ## mypy, strict
	@$(BIN)/mypy

audit: setup  ## which packages of the lock have known vulnerabilities (pip-audit, installed apart; needs the network)
	@$(BIN)/python -m venv build/audit && build/audit/bin/python -m pip install --quiet 'pip-audit>=2.10.1,<3'
	@build/audit/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

notebooks: setup  ## run the notebooks on the sample and keep their outputs
	@$(BIN)/python tests/refresh_notebooks.py

bench: setup  ## compare speed with other programs, as ratios, in docs/speed.md; those are installed in build/peers
	@$(BIN)/python -m pip install --quiet --no-deps --upgrade --target build/peers -r tests/benchmarks/peers.txt
	@PYTHONPATH=build/peers:$$PYTHONPATH $(BIN)/python -m pytest -p no:nbval tests/benchmarks -q -s

lock: setup  ## renew requirements.lock (needs uv); no index address is written
	uv pip compile pyproject.toml --extra lab --extra dask --extra databases --extra export --extra test --extra docs --group build --universal --generate-hashes \
		--python-version 3.11 --no-header --no-annotate -o requirements.lock

setup: $(VENV)/made

# What takes long says how far it is every five seconds; it ends with the recipe's shell.
TICK = started=$$(date +%s); ( while sleep 5; do echo "  still installing: \
	$$(ls $(VENV)/lib/python*/site-packages 2>/dev/null | grep -c dist-info) of about $(PACKAGES) packages are there, \
	$$(($$(date +%s) - started)) s"; done ) & trap "kill $$! 2>/dev/null" EXIT

PACKAGES = $(shell grep -c == requirements.lock)

$(VENV)/made: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.14 (with venv) is needed and was not found. Install it, or name it: make PYTHON=/path/to/python $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up $(VENV), once: about $(PACKAGES) packages (uv: about half a minute, pip: two or three minutes) ..."
	@# uv installs the same files several times faster; pip where there is none, or where uv reaches no index.
	@# Python compiles a module when it is first used, which takes less time than all at once, unless it may not write.
	@# The lock brings pip to date; setuptools came with Python 3.11 and nothing uses it.
	@$(TICK); rm -rf $(VENV) && $(PYTHON) -m venv $(VENV) || exit 1; { command -v uv >/dev/null 2>&1 && uv pip install --quiet --python $(BIN)/python \
		$(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode) \
		--require-hashes --requirement requirements.lock 2>/dev/null; } || \
		$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock || exit 1; \
		$(BIN)/python -m pip uninstall --quiet --yes setuptools 2>/dev/null; \
		$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

clean:  ## remove what was made here: environments, the site, reserves and reports
	@rm -rf .venv .venv313 build reports/*/ data/*/reserve.duckdb
