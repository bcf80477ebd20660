# Every verb works on a fresh clone: what it needs, `setup` installs into .venv.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
UV_VERSION := 0.13.9

# Where it is set, each of some hundred processes that the tests start compiles every library
# that it imports: half of their time. What is compiled lies in folders that git does not see.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test faults failover soak browser cluster cluster-down cluster-build test-cluster chart docs monitoring smoke check fix bench lock sbom images images-lint wheel wheel-smoke clean

help: ## what you can do here
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## make .venv with what requirements.lock pins

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=.venv $(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## everything on this machine, with bots and the console
	@$(BIN)/readyup demo

test: setup ## the tests, under a minute
	@$(BIN)/pytest -q -n 2 --dist worksteal -m "not (slow or soak or browser or cluster or chart or failover)"

faults: setup ## kills of real processes under bots, and what else takes seconds, five minutes
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "slow and not (cluster or failover or alerts or images)"

failover: setup ## Sentinels and Clusters whose primaries die and are cut off, three minutes
	@$(AS_ROOT) $(BIN)/pytest -q -n 2 --dist load -m failover tests/failover
	@$(BIN)/pytest -q -n 2 --dist loadscope --store cluster -m "not slow" $(ON_A_CLUSTER)

# What speaks to the store in each package, once more where keys of two slots cannot meet.
ON_A_CLUSTER := tests/core/test_lease.py tests/core/test_pause.py tests/core/test_eventlog.py \
  tests/matchmaker/test_store.py tests/matchmaker/test_director.py tests/matchmaker/test_placing.py \
  tests/allocator/test_pool.py tests/allocator/test_reaper.py tests/allocator/test_letters.py \
  tests/fleets/test_orders.py tests/readyup/operators/test_audit.py

soak: setup ## by hand: a crash at every call, and a thousand simulated evenings, an hour of two cores
	@nice -n 19 $(BIN)/pytest -q -m soak tests/readyup/simulation
	@nice -n 19 $(BIN)/readyup simulate --seed 1 --sweep 1000 --minutes 2 --jobs 2

browser: setup ## the console's tests in a headless Chromium, skipped where there is none
	@$(BIN)/pytest -q -m browser tests/readyup

cluster: cluster-build ## a Kubernetes with Agones on loopback, kept running (root)
	@$(BIN)/python -m tests.cluster.plane up

cluster-down: ## stop it
	@$(BIN)/python -m tests.cluster.plane down

cluster-build: setup ## build Kubernetes once, some ten minutes; then it is kept
	@$(BIN)/python -m tests.cluster.plane build

test-cluster: setup ## the tests against a real cluster, skipped where none is to be had
	@$(BIN)/python -m tests.cluster.plane build || echo "so tests that need a cluster are skipped"
	@$(AS_ROOT) $(BIN)/pytest -q -n 2 --dist worksteal -m cluster tests/cluster

chart: setup ## the Helm chart: lint, snapshots, and a real API server where there is one
	@if $(BIN)/python -m tests.deploy.helm build; then $(AS_ROOT) $(BIN)/pytest -q -n 2 --dist loadfile -m chart tests/deploy; \
	else echo "so the chart is not tested"; fi

docs: setup ## the pages as a site, in .run/site; a link that leads nowhere is an error
	@$(BIN)/sphinx-build --quiet --nitpicky --fail-on-warning --keep-going --conf-dir docs . .run/site
	@echo "open .run/site/index.html"

monitoring: setup ## alerts and dashboards: by promtool, and by a Prometheus beside a demo
	@$(BIN)/pytest -q -rs -s tests/monitoring

# A network of its own needs root, or a user namespace in which one is.
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo unshare --user --map-root-user)

smoke: setup ## a short demo without a screen, judged by the history checker
	@rm -rf .run/smoke && mkdir -p .run
	@$(BIN)/readyup demo --headless --duration 8 --players 100 --dir .run/smoke --json .run/smoke.json
	@$(BIN)/readyup check-history .run/smoke/history.jsonl

check: setup ## lint, format, layers, types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

fix: setup ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup ## the benchmarks, each beside its baseline
	@$(BIN)/readyup bench idle

lock: ## pin the newest versions that pyproject.toml allows
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes \
	  --no-annotate --no-header --upgrade --output-file requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --extra telemetry --extra kafka $(IMAGE_LOCK) --output-file requirements-runtime.lock
	@$(BIN)/uv pip compile docker/arena.in $(IMAGE_LOCK) --output-file docker/arena.lock
	@printf hatchling | $(BIN)/uv pip compile - $(IMAGE_LOCK) --output-file docker/build.lock

# For the images: at the versions of requirements.lock, which the tests ran with.
IMAGE_LOCK := --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet \
  --constraint requirements.lock

sbom: setup ## a bill of materials for each image's lock, into dist/
	@mkdir -p dist
	@$(BOM) requirements-runtime.lock --output-file dist/sbom-service.cdx.json
	@$(BOM) docker/arena.lock --output-file dist/sbom-arena.cdx.json
	@$(BOM) docker/build.lock --output-file dist/sbom-build.cdx.json

BOM := $(BIN)/uvx --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py requirements --output-reproducible --output-format JSON

images: setup ## build the images and run them all by podman, minutes; root and Debian's buildah
	@$(BIN)/pytest -q -rs -s -m images tests/docker

images-lint: setup ## lint docker/, with hadolint where it is installed
	@$(BIN)/pytest -q -rs -m "not slow" tests/docker

wheel: setup ## build the wheel into dist/
	@rm -rf dist && $(BIN)/python -m hatchling build -t wheel

wheel-smoke: wheel ## the wheel in an environment of its own: a demo from it
	@rm -rf .run/wheel && mkdir -p .run/wheel
	@cd .run/wheel && ../../$(BIN)/uvx --from ../../dist/readyup-*.whl readyup demo \
	  --headless --duration 4 --players 40 --servers 3 --dir demo

clean: ## remove what the other verbs made
	@rm -rf .venv .run dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
