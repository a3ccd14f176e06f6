# Two commands matter: `make demo` and `make test`. Both set up what they need in .venv.
# The first Python that really runs and is new enough (a name on PATH may be a shim for nothing),
# and not newer than the embedded server's package knows.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && exit; done; echo python3)
BIN := .venv/bin
# Slow tests that measure: nothing may run beside them. Of the others many wait, so that three of them
# keep two cores busy.
ALONE := tests/browser tests/integration/test_bench_soak.py tests/integration/test_bench_fold.py

.DEFAULT_GOAL := help
.PHONY: help web-vendor screenshots demo test test-long test-deploy test-cluster manifests image check docs fmt bench clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Rillet needs Python 3.11 or newer; '$(PYTHON)' is older. Set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up .venv (once, about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

# Soft: the script says so and goes on where uPlot cannot be had; then the page shows tables.
web/vendor/.tried: web/package-lock.json web/fetch-vendor.sh | .venv/.ready
	@PYTHON=$(abspath $(BIN))/python sh web/fetch-vendor.sh
	@touch $@

web-vendor: web/vendor/.tried ## fetch the page's chart library

screenshots: .venv/.ready web-vendor ## docs/images from the real demo
	$(BIN)/python -m tests.browser.screenshots

demo: .venv/.ready web-vendor ## everything on this machine: server, simulator, processor, page
	@exec $(BIN)/rillet demo

test: .venv/.ready web-vendor ## the everyday tests (under 5 minutes on two cores)
	$(BIN)/python -m pytest -n 3 --dist loadfile -m 'not slow and not deploy'

test-long: .venv/.ready web-vendor ## the long tests, and the fold's on the Redis found on PATH
	$(BIN)/python -m pytest -m slow $(ALONE)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow $(ALONE:%=--ignore=%)
	$(BIN)/python -m pytest --hypothesis-profile long tests/lua/test_fuzz.py tests/integration/api/test_fuzz.py
	if command -v redis-server >/dev/null; then $(BIN)/python -m pytest -n 3 --dist loadfile \
		--server path -m 'not deploy and not slow' tests/lua tests/recovery tests/integration; fi

check: .venv/.ready ## everything CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test
	$(MAKE) test-long

manifests: .venv/.ready ## render and validate what is in k8s/
	$(BIN)/python -m pytest tests/deploy/test_manifests.py

image: web-vendor ## build the container image
	docker build --build-arg REVISION=$$(git rev-parse HEAD) -t rillet:0.1.0 .

test-deploy: .venv/.ready ## build the image, run compose, drive it, compare (needs a Docker engine)
	$(BIN)/python -m pytest -m deploy

test-cluster: .venv/.ready ## apply k8s/ to the cluster of KUBECONFIG, drive it, compare, take it away
	$(BIN)/python -m pytest tests/deploy/test_kubernetes.py --kubeconfig "$(KUBECONFIG)"

docs: .venv/.ready ## make the generated parts of docs/ anew
	$(BIN)/python -m tests.settings_table
	$(BIN)/python -m tests.published

fmt: .venv/.ready ## format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.ready ## the benchmark tables of docs/performance.md
	$(BIN)/rillet bench

clean: ## remove what the other targets made
	rm -rf .venv web/vendor dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
