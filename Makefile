# Two commands for everything: `make up` runs the whole system, `make test` proves it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# How tests are run: on every core, as most of them wait for processes, four at a time at most;
# with compiled modules, whatever the shell says, as hundreds of processes import them; and in
# memory where there is room, as thousands of small databases would wait for the disk.
JOBS    ?= logical
SCRATCH  = $(shell [ "$$(df -Pk /dev/shm 2>/dev/null | awk 'END { print $$4 }')" -gt 4000000 ] 2>/dev/null \
             && [ -w /dev/shm ] && echo /dev/shm || echo "$${TMPDIR:-/tmp}")
PYTEST   = PYTHONDONTWRITEBYTECODE= TMPDIR=$(SCRATCH) $(BIN)/python -m pytest \
             -n $(JOBS) --maxprocesses 4 --dist worksteal
COUNTED := tests/unit tests/conformance

.PHONY: up test check coverage uncounted fuzz soak bench format schema lock clean

up: $(VENV)/runtime.stamp
	@exec $(BIN)/python -m tools.up

test: $(VENV)/dev.stamp
	$(PYTEST)

# Everything the tests do not say: style, types, layers, layout.
check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.check_layout

# What the quick suites reach; the forked processes of the end-to-end tests are not counted.
coverage: $(VENV)/dev.stamp
	$(PYTEST) $(COUNTED) --cov --cov-report=term:skip-covered --cov-fail-under=92

# Every other test: this and `coverage` are `test`, each test once.
uncounted: $(VENV)/dev.stamp
	$(PYTEST) tests $(COUNTED:%=--ignore=%)

# Hostile bytes from both sides, a minute unless ARGS="--seconds 600"; what is found stands in the
# output, to be added to tests/fuzz/corpus. `make test` runs the corpus alone.
fuzz: $(VENV)/dev.stamp
	@exec $(BIN)/python -m tests.fuzz $(ARGS)

# Load and faults for ten minutes, unless ARGS="--minutes 2"; writes docs/soak.md.
soak: $(VENV)/dev.stamp
	@exec $(BIN)/python -m tests.soak $(ARGS)

# Against the other proxies, side by side, a quarter of an hour; writes docs/performance.md and the
# README's numbers. While developing: ARGS="--only figueira,envoy --cases get-1k" (half a minute), or
# ARGS="profile" (which microseconds go where); ARGS="--help" says the rest.
bench: .venv-bench/stamp $(VENV)/runtime.stamp
	@exec .venv-bench/bin/python -m bench $(ARGS)

format: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Figueira needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.stamp: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/runtime.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

.venv-bench/stamp: bench/requirements.lock | $(VENV)/bin/python
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m bench.install
	@touch $@

# After a change to a key of routes.yaml or to its row in docs/routes.md.
schema: $(VENV)/dev.stamp
	$(BIN)/python -m tools.routes_schema

# Needs uv. The output holds hashes and no address of any registry.
lock:
	uv pip compile pyproject.toml --extra postgres --group build --generate-hashes --universal \
	  --python-version 3.11 --no-header --quiet -c tools/lock-constraints.txt -o requirements.lock
	uv pip compile pyproject.toml --extra aws --group build --generate-hashes --universal \
	  --python-version 3.11 --no-header --quiet -c requirements.lock -o deploy/aws/requirements.lock
	uv pip compile pyproject.toml --extra postgres --extra s3 --extra aws --group build --group dev --generate-hashes --universal \
	  --python-version 3.11 --no-header --quiet -c requirements.lock -o requirements-dev.lock
	uv pip compile bench/requirements.in --generate-hashes --universal \
	  --python-version 3.11 --no-header --quiet -o bench/requirements.lock

clean:
	rm -rf $(VENV) .venv-bench var .mypy_cache .ruff_cache .pytest_cache
