# Everything a checkout needs. `make demo` and `make test` work in a fresh clone; PYTHON names another interpreter.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DEMO ?= 2026-01
# Two workers even on a big machine: the browser and crash tests start processes of their own.
PYTEST_ARGS ?= -n 2
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo test check lint docs docs-check bench screenshots clean
.NOTPARALLEL:

help: ## Say what there is to make
	@grep -E '^[a-z-]+:.*##' Makefile | sed -e 's/:.*##/:/'

# Installs happen only when what they depend on has changed; the stamps remember it.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.installed

demo: $(VENV)/.installed ## Build the sample issue and deliver it to the sample list, in the outbox folder
	$(BIN)/newsletter build issues/$(DEMO).md --to sample
	$(BIN)/newsletter send $(DEMO) --to sample --yes
	@echo
	@echo "One person's mail:  $$(find outbox/$(DEMO) -name '*.eml' | sort | tail -n 1)"
	@echo "The issue itself:   build/$(DEMO)/email.html"

test: $(VENV)/.installed-dev ## Run the whole test suite
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: lint docs-check test ## Everything CI runs: style, types, import rules, docs, tests

lint: $(VENV)/.installed-dev ## Style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs-check: $(VENV)/.installed-dev ## Are the generated pages fresh?
	$(BIN)/python docs/generate.py --check

docs: $(VENV)/.installed-dev ## Write the generated pages anew
	$(BIN)/python docs/generate.py

bench: $(VENV)/.installed-dev ## Measure speed against the bounds that we promise
	$(BIN)/python bench/compose.py
	$(BIN)/python bench/checks.py
	$(BIN)/python bench/preview.py
	$(BIN)/python bench/imports.py
	$(BIN)/python bench/sendgrid.py
	$(BIN)/python bench/smtp.py
	$(BIN)/python bench/pace.py
	$(BIN)/python bench/signing.py

screenshots: $(VENV)/.installed-dev ## Take the pictures of README and docs anew
	$(BIN)/newsletter build issues/$(DEMO).md --to sample
	$(BIN)/python docs/screenshots.py build/$(DEMO) docs/images

clean: ## Remove what was built; lists, issues and the ledger stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find composer tests bench docs -name __pycache__ -type d -prune -exec rm -rf {} +
