# The one place where commands are defined: people, CI and the README call these targets.
# Everything that is made lies in .venv, web/node_modules, web/dist and .poms.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run token test coverage check lock schema client client-check playground pools pools-accounting catalogs identity-provider clean reset install install-dev venv
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

PYTHON ?= python3
VENV := $(CURDIR)/.venv
PY := $(VENV)/bin/python
INSTALL := install --disable-pip-version-check --quiet --require-hashes
PIP := $(PY) -m pip $(INSTALL)
TESTS ?=
COVERAGE ?=
WORKERS ?= 2

OLD = sys.exit("POMS needs Python 3.11 or newer, and this is %d.%d: $(1)" % sys.version_info[:2])
NEW_ENOUGH = import sys; sys.version_info >= (3, 11) or $(OLD)

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# --- Python -----------------------------------------------------------------------------------

# Made anew when there is none, or when the Python that it came from is gone.
venv:
	@if [ -x $(PY) ] && ! $(PY) -c '' 2>/dev/null; then echo "Making .venv anew: its Python is gone."; \
		rm -rf $(VENV); fi; \
	if [ ! -x $(PY) ]; then \
		command -v $(PYTHON) >/dev/null || { \
			echo "There is no $(PYTHON) here: install Python 3.11 or newer, or name it, as in \`make run PYTHON=python3.12\`."; exit 1; }; \
		$(PYTHON) -c '$(call NEW_ENOUGH,name a newer one$(comma) as in make run PYTHON=python3.12)' || exit 1; \
		echo "Making .venv with $$($(PYTHON) --version)."; \
		$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
			echo "Python can't make a venv: install its venv package (Debian: python3-venv)."; exit 1; }; \
	fi
	@$(PY) -c '$(call NEW_ENOUGH,rm -rf .venv$(comma) then name a newer one$(comma) as in make run PYTHON=python3.12)'

comma := ,

define installed
	@cmp -s requirements/$(1).lock $(VENV)/$(1).installed || { \
		echo "Installing requirements/$(1).lock into .venv (a minute at most)."; \
		$(PIP) -r requirements/$(1).lock || { \
			echo "The packages could not be installed: see above, and check that pip reaches its index."; exit 1; }; \
		cp requirements/$(1).lock $(VENV)/$(1).installed; }
endef

install: venv
	$(call installed,server)

install-dev: venv
	$(call installed,dev)

install-node: venv
	$(call installed,node)

# --- The service ------------------------------------------------------------------------------

# Tied to make, as its children are tied to it: whatever is killed, nothing is left running.
run: install ## Run everything on this machine: databases, API, worker, example
	@if [ -f web/package.json ]; then $(MAKE) playground || \
		echo "The playground could not be built (see above); POMS goes on without it."; fi
	@exec $(PY) -I -S up/child.py $$PPID 15 -1 -1 $(PY) -m up

token: ## A token with which somebody signs in: make token PERSON=anna (while `make run` runs)
	@[ -f "$${POMS_HOME:-.poms}/env" ] || { echo "Start POMS first: make run"; exit 1; }
	@set -a; . "$$(cd "$${POMS_HOME:-.poms}" && pwd)/env"; \
		PYTHONPATH="$(CURDIR)" exec $(PY) -m auth token --person "$(PERSON)"

reset: ## Forget the database, the queue and the secret of `make run`
	@$(PYTHON) -m up reset

# --- The web pages ----------------------------------------------------------------------------

WEB := $(shell [ -f web/package.json ] && find web -path web/node_modules -prune -o -path web/dist -prune \
	-o -path web/tests -prune -o -type f ! -name '.*' ! -name graphql-env.d.ts -print)
NODE_OK = const [a, b] = process.versions.node.split(".").map(Number); \
	process.exit(a > 23 || (a == 22 \&\& b >= 12) || (a == 20 \&\& b >= 19) ? 0 : 1)
NODE_OK := $(subst \&,&,$(NODE_OK))
# Node of the machine if it is new enough, else the one that pip installs into .venv.
NODE := { command -v npm >/dev/null && node -e '$(NODE_OK)' 2>/dev/null; } || { \
	$(MAKE) install-node && export PATH="$(VENV)/bin:$$PATH"; }

LOG := web/.build.log

playground: web/dist/.built ## Build the web pages (only when something changed)

web/dist/.built: web/node_modules/.installed $(WEB)
	@echo "Building the web pages."
	@$(NODE) && (cd web && npm run --silent build) >$(LOG) 2>&1 || { tail -20 $(LOG); rm -f $(LOG); exit 1; }
	@rm -f $(LOG); touch $@

web/node_modules/.installed: web/package-lock.json
	@echo "Installing the web pages' packages."
	@$(NODE) && cd web && npm ci --silent --no-audit --no-fund
	@touch $@

# --- Checks -----------------------------------------------------------------------------------

test: install-dev ## Run the tests, on servers of their own
	@$(MAKE) playground || echo "The web pages could not be built (see above): their test is skipped."
	@$(PY) -m pytest -n $(WORKERS) --maxschedchunk 2 -q $(COVERAGE) $(TESTS)

coverage: ## The tests once more, counting which lines and branches they pass: half as long again as without
	@$(MAKE) test COVERAGE="--cov --cov-report="

check: install-dev ## Everything that has to hold: format, lint, types, contract, web, tests
	@echo "ruff format"; $(PY) -m ruff format --check --quiet . || { \
		echo "Run \`.venv/bin/ruff format .\`."; exit 1; }
	@echo "ruff check"; $(PY) -m ruff check --quiet .
	@echo "mypy"; $(PY) -m mypy --no-error-summary
	@echo "schema"; $(PY) -m app schema --check
	@echo "client"; $(MAKE) client-check
	@if [ ! -f web/package.json ]; then exit 0; \
	elif $(MAKE) playground; then echo "web"; $(NODE) && cd web && npm run --silent check; \
	else echo "SKIPPED: the web pages could not be built, so their checks did not run."; fi
	@$(MAKE) test

schema: install-dev ## Write schema/schema.graphql and docs/permissions.md anew from the code
	@$(PY) -m app schema

# The generator wants an older graphql-core than the service: it has a venv of its own inside .venv.
CODEGEN := $(VENV)/codegen

$(CODEGEN)/installed: requirements/codegen.lock | venv
	@echo "Installing the client's generator into .venv/codegen."
	@$(PY) -m venv $(CODEGEN) && $(CODEGEN)/bin/pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@cp $< $@

client: $(CODEGEN)/installed ## Write poms/generated anew from poms/operations and the schema
	@rm -rf poms/generated && $(CODEGEN)/bin/ariadne-codegen >/dev/null

# Written anew beside what is committed, and compared.
client-check: $(CODEGEN)/installed
	@old=$$(mktemp -d); cp -r poms/generated $$old/ && find $$old -name __pycache__ -prune -exec rm -rf {} + ; \
	$(MAKE) client && diff -r -x __pycache__ $$old/generated poms/generated >/dev/null; same=$$?; rm -rf $$old; \
	[ $$same = 0 ] || { echo "poms/generated was old, and is new now: commit it."; exit 1; }

# --- Real batch systems -----------------------------------------------------------------------

pools: install-dev ## Fetch HTCondor, Slurm and Prometheus (no root needed), so that the tests have their own
	$(call installed,htcondor)
	@bash pools/condor.sh trixie & bash pools/slurm.sh trixie; slurm=$$?; wait $$! && exit $$slurm
	@bash pools/prometheus.sh trixie
	@bash pools/condor.sh forky .pools/condor-forky || echo "HTCondor of the rolling suite can't be had: its tests are skipped."

pools-accounting: ## Fetch slurmdbd and MariaDB, too, for the tests of Slurm's accounting, which else are skipped
	@bash pools/accounting.sh trixie

# --- Real catalogs ----------------------------------------------------------------------------

# Their locks are whole, so that pip has nothing to resolve; what is never imported need not be compiled.
CATALOGS := .pools/catalogs

catalogs: venv ## Fetch Rucio and MetaCat, so that the tests that need them run on servers of their own
	@for name in rucio metacat; do \
		lock=requirements/$$name.lock; folder=$(CATALOGS)/$$name; \
		if cmp -s $$lock $$folder/installed && $$folder/bin/python -c '' 2>/dev/null; then continue; fi; \
		echo "Installing $$lock into $$folder (a minute at most)."; rm -rf $$folder; \
		{ mkdir -p $(CATALOGS) && $(PY) -m venv --without-pip $$folder && \
			$(PY) -m pip --python $$folder/bin/python $(INSTALL) --no-deps --no-compile -r $$lock && \
			cp $$lock $$folder/installed; } || { \
			echo "It could not be installed: see above, and check that pip reaches its index."; exit 1; }; \
	done

# --- A real issuer of tokens ------------------------------------------------------------------

PROVIDER := .pools/identity-provider
PROVIDER_OF := tests/identity/provider

identity-provider: venv ## Fetch an OpenID provider, so that the tests of signing in have their own
	@cmp -s $(PROVIDER_OF)/package-lock.json $(PROVIDER)/installed && exit 0; \
	echo "Installing the OpenID provider of the tests."; \
	rm -rf $(PROVIDER) && mkdir -p $(PROVIDER) && \
	cp $(PROVIDER_OF)/package.json $(PROVIDER_OF)/package-lock.json $(PROVIDER_OF)/.npmrc $(PROVIDER)/ && \
	$(NODE) && (cd $(PROVIDER) && npm ci --silent --no-audit --no-fund) && \
	cp $(PROVIDER)/package-lock.json $(PROVIDER)/installed

# --- Locks ------------------------------------------------------------------------------------

UV_FLAGS := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	$(UPGRADE)
UV := uv pip compile pyproject.toml $(UV_FLAGS)
UV_ALONE := uv pip compile $(UV_FLAGS)

lock: venv ## Resolve requirements/*.lock anew (UPGRADE=--upgrade for newer versions)
	@command -v uv >/dev/null || [ -x $(VENV)/bin/uv ] || { echo "Installing uv into .venv."; \
		$(PY) -m pip --disable-pip-version-check install --quiet uv; }
	@export PATH="$$PATH:$(VENV)/bin" UV_PYTHON_DOWNLOADS=never; \
	$(UV) --extra server --extra embedded --output-file requirements/server.lock >/dev/null && \
	$(UV) --extra server --extra embedded --group dev --output-file requirements/dev.lock >/dev/null && \
	$(UV_ALONE) --group node --output-file requirements/node.lock >/dev/null && \
	$(UV_ALONE) --group codegen --output-file requirements/codegen.lock >/dev/null && \
	$(UV_ALONE) --group rucio --output-file requirements/rucio.lock >/dev/null && \
	$(UV_ALONE) --group metacat --output-file requirements/metacat.lock >/dev/null && \
	$(UV) --extra htcondor --constraint requirements/dev.lock --output-file requirements/htcondor.lock >/dev/null
	@echo "requirements/ is up to date."

clean: ## Remove what was built and installed (not the data: that is `make reset`)
	@rm -rf $(VENV) web/dist web/node_modules .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
