# Every target sets up .venv by itself; all it needs is python3 (3.11+), git and make.
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)

.DEFAULT_GOAL := help
.PHONY: help quick reproduce verify review slurm bench docs test test-faults test-cluster lint lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

quick: .venv/ready ## Table 1 on scikit-learn's digits: offline, two cores, minutes -> paper/digits/
	$(SNAKEMAKE) --configfile config/digits.yaml

reproduce: .venv/ready ## the paper's experiment on CIFAR-10, which it downloads -> paper/cifar10/
	$(SNAKEMAKE)

verify: .venv/ready ## fail if a cell of paper/digits/table1.csv disagrees with the paper (CONFIG=... for another)
	$(SNAKEMAKE) --configfile $(or $(CONFIG),config/digits.yaml) -- verify

review: .venv/ready ## regenerate all of paper/ from its measurements, without training, and compare
	$(BIN)/python -m infwidth.review paper/*

slurm: .venv/slurm ## the plugin that profiles/slurm needs, locked, into .venv

docs: .venv/ready ## the documentation -> site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: .venv/ready ## speed against plain PyTorch and mup, and what lazy layers leave out -> benchmarks/results/
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/mini_batches.py
	$(BIN)/python benchmarks/lazy_tolerance.py

test: .venv/ready lint ## lint, types and the whole test suite
	$(BIN)/pytest

test-faults: .venv/ready ## the long versions of the fault, kill and property tests
	$(BIN)/pytest --long -m faults

test-cluster: .venv/slurm ## profiles/slurm-noacct on a Slurm of this machine alone (root; WHOLE=1: all of digits)
	$(BIN)/pytest -m cluster -rs

lint: .venv/ready ## ruff, mypy, snakefmt and snakemake --lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint

LOCK := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url \
    --no-header --upgrade --quiet

lock: .venv/ready ## compile requirements.lock anew from pyproject.toml, and requirements-slurm.lock
	$(LOCK) --extra dev -o requirements.lock
	$(LOCK) --extra slurm --constraint requirements.lock -o requirements-slurm.lock \
	    $$(awk -F == '/^[a-z]/ { print "--no-emit-package " $$1 }' requirements.lock)
	# A list of what is left out follows.
	sed -i.all '/^$$/,$$d' requirements-slurm.lock && rm requirements-slurm.lock.all

clean: ## remove working files; what is in paper/ stays
	rm -rf results logs .snakemake

# uv installs the locked packages, each checked against its hash; uv's own hash stands in the same lock.
.venv/ready: requirements.lock pyproject.toml
	@PYTHONPATH=src $(PYTHON) -m infwidth.jobs.places
	$(PYTHON) -m venv .venv
	awk '/^[^ #]/ { keep = /^uv==/ } keep' requirements.lock > .venv/uv.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

# What requirements-slurm.lock has is what the plugin needs beside requirements.lock.
.venv/slurm: .venv/ready requirements-slurm.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes \
	    --requirement requirements-slurm.lock
	touch $@
