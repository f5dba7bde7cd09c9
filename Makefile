# make run    opens the app
# make test   checks the style, the types, the import directions, and runs every test
# make lint   the checks without the tests
#
# Each makes .venv and installs what it needs; the second time it starts at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test lint
.DEFAULT_GOAL := run

run: $(VENV)/.run
	$(BIN)/streamlit run streamlit_app.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	@for name in "$${CHROMIUM:-chromium}" chromium-browser; do \
		if command -v "$$name" > /dev/null; then exit 0; fi; \
	done; \
	echo "No Chromium was found. The tests that drive the app in a browser are skipped, unless they are"; \
	echo "required. To run them, install one (Debian, Ubuntu: apt-get install chromium) or name one that"; \
	echo "is there: CHROMIUM=/path/to/chrome make test"
	$(BIN)/pytest

$(VENV)/.run: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed. Name one: make run PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --requirement requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.run pyproject.toml
	$(BIN)/python -m pip install --group dev
	@touch $@
