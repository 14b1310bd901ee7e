# `make` alone lists the targets.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo serve test lint bench ci clean

help:            ## list the targets
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

install: $(STAMP) ## make .venv with the package and what its tests need

$(STAMP): setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, found " + sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

demo: install    ## a demo site in var/ (made once), then serve it on http://127.0.0.1:6543
	@home="$${JICENG_HOME:-var}"; test -e "$$home/demo.done" || { \
		{ test -e "$$home/keys/site.secret" || $(BIN)/jiceng -c config/development.ini init --demo; } && \
		$(BIN)/jiceng -c config/development.ini demo && touch "$$home/demo.done"; }
	$(BIN)/jiceng -c config/development.ini serve

test: install    ## run every test (installs chromium and go with apt-get where it may)
	@tests/need-tools
	$(BIN)/python -m pytest

lint: install    ## ruff and mypy --strict
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy

bench: install   ## compare with the anchors in bench/anchors; prints ratios
	$(BIN)/python -m bench

ci: install      ## what .ci/run runs: lint, then every test, no skip allowed
	$(MAKE) lint
	JICENG_REQUIRE_ALL=1 $(MAKE) test

clean:           ## remove .venv and build products, never var/
	rm -rf $(VENV) build dist src/*.egg-info
