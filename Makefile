# `make demo` and `make test` do all the set-up they need on a machine with Python >= 3.11.
PYTHON ?= python3
CORES ?= 2
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: install demo test lint format docs benchmark study-fit study-calibrate clean

install: .venv/installed

.venv/installed: envs/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("resonaut needs Python >= 3.11, this is %d.%d; name another: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement envs/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: install  ## The embedded search, from collisions to limits, and its report
	@workflow/run --cores $(CORES)
	@snakemake --report results/report/report.html
	@resonaut report show --summary results/report/summary.json

test: install  ## Unit, workflow and physics tests
	pytest -n 2 --dist loadgroup

lint: install  ## Formatting, types and the workflow's style
	ruff format --check .
	ruff check .
	mypy
	snakefmt --check Snakefile workflow
	snakemake --lint

format: install  ## Format the Python and the Snakemake files
	ruff format .
	ruff check --fix .
	snakefmt Snakefile workflow

docs: install  ## Rewrite the configuration tables of docs/ from the schema
	python -m resonaut.schema .

benchmark: install  ## Time of the hot paths against named peers, one JSON line each
	@python benchmarks/fit.py
	@python benchmarks/calibrate.py

study-fit: install  ## The toy studies of docs/fit.md; SPECTRUM=file.csv adds the bias test of CMS's dijet spectrum
	@python benchmarks/fit_toys.py $(if $(SPECTRUM),--spectrum $(SPECTRUM))

study-calibrate: install  ## The closure study of docs/calibrate.md, half an hour of simulation included
	snakemake calibrate --cores $(CORES) --configfile config/examples/closure.yaml
	@python benchmarks/calibrate_closure.py results/closure

clean:  ## Remove what runs made, not the environment
	rm -rf results logs .snakemake .snakemake.lock
