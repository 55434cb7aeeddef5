PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo report test fast-test bench lint
demo: report  # the whole demo run on simulated galaxies, offline, and its report
	grep "^\*\*" results/demo/summary/claims.md && echo "Figures and tables: results/demo/README.md, or results/demo/report.html in a browser"

report: .venv/installed  # the demo run as one HTML file that needs nothing else
	$(BIN)/snakemake --cores all && $(BIN)/snakemake --report results/demo/report.html

test: .venv/installed  # all tests, slow ones included; in two processes, as more wait for each other
	$(BIN)/pytest -n 2

fast-test: .venv/installed  # the tests that take seconds
	$(BIN)/pytest -m "not slow"

bench: .venv/installed  # throughput and memory, to results/bench/
	$(BIN)/python workflow/scripts/benchmark.py --folder results/bench

lint: .venv/installed  # style of Python and Snakemake files
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/snakefmt --check Snakefile workflow && $(BIN)/snakemake --lint

.venv/installed: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv && $(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock && touch $@
