# The words of this project; .ci/run says the same ones. `make help` lists them.
PYTHON ?= python
.DEFAULT_GOAL := help
.PHONY: help install extras test check docs slow conformance bench

help:  ## List these words
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

install:  ## Install for development, with the tested set of versions
	$(PYTHON) -m pip install -c constraints.txt -e '.[dev]'

test:  ## Run the tests that every change passes
	pytest

extras:  ## Run the tests that need heavy libraries (pip install -e '.[dev,extras]')
	pytest -m 'extras and not slow and not conformance'

check:  ## Format, lint, types and import contracts
	ruff format --check .
	ruff check .
	mypy
	lint-imports

docs:  ## Run the code in the documentation and follow its links
	pytest tests/docs

slow:  ## Run long loops: faults under load, hot swaps
	pytest -m slow tests

conformance:  ## Run foreign clients, in environments of their own
	pytest -m conformance tests/conformance

bench:  ## Measure beside others; ARGS goes to `python -m benchmarks run`
	$(PYTHON) -m benchmarks run $(ARGS)
