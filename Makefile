# `make help` lists what there is. Everything runs in .venv, which is made on first use.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test chaos bench profile check format up up-cluster down logs screenshots audit deadletters rules inspect docs lock
.PHONY: compiled interpreted clean

PYTHON ?= python3
BIN := .venv/bin
TOPIC ?= streaming.transactions.fraud
KAFKA := docker compose -f docker-compose.kafka.yml
CLUSTER := docker compose -f docker-compose.kafka.cluster.yml
CLUSTER_URL := broker:9092,broker-2:9092,broker-3:9092
APPS := docker compose -f docker-compose.yml
export KAFKA_NETWORK ?= kafka-network
# The Kafka that a command talks to: of the shell, else of .env, else the demo's where it runs, else that of `make up`.
FIND_KAFKA = if [ -z "$${KAFKA_BROKER_URL:-}" ] && ! grep -qs '^KAFKA_BROKER_URL=.' .env \
	  && address=$$($(BIN)/python -m kafka_local --address 2>/dev/null); then export KAFKA_BROKER_URL="$$address"; fi
PACKAGES := pipeline generator detector legit_processor fraud_processor dashboard demo kafka_local bench compiling

# A stamp a lock file: an environment is brought up to date when its lock changes, and left alone otherwise.
.venv/requirements.txt: requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "needs Python 3.11 or newer as $(PYTHON); set PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) --version), the project needs 3.11 or newer; set PYTHON=..." >&2; exit 2; }
	@echo "installing into .venv (once)" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@cp requirements.txt $@

.venv/requirements-dev.txt: requirements-dev.txt .venv/requirements.txt
	@echo "installing the test tools into .venv (once)" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@cp requirements-dev.txt $@

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/requirements.txt ## the whole pipeline without Docker, with a live view (DEMO_SECONDS=30 ends it)
	@exec $(BIN)/python -m demo

# Three parts at the same time, each with a Kafka of its own: most of the time they wait for brokers.
COMPILED := tests/integration/test_compiled.py
HERE := $(filter-out $(COMPILED),$(wildcard tests/integration/test_[a-k]*.py))
MEANWHILE := $(wildcard tests/integration/test_[l-z]*.py) $(COMPILED)
BESIDE := tests/unit tests/contracts tests/e2e tests/chaos

test: .venv/requirements-dev.txt ## all tests, on a real Kafka (KAFKA_TEST_BOOTSTRAP, Docker or Java, in this order)
	@if [ -n "$(PYTEST_ARGS)" ]; then exec $(BIN)/python -m pytest $(PYTEST_ARGS); fi; \
	mkdir -p build; echo "two parts run meanwhile, into build/tests-*.log, which come at the end:"; \
	echo "  beside: $(BESIDE)"; echo "  meanwhile: $(COMPILED) and tests/integration from l on"; \
	$(BIN)/python -m pytest $(BESIDE) >build/tests-beside.log 2>&1 & beside=$$!; \
	$(BIN)/python -m pytest $(MEANWHILE) >build/tests-meanwhile.log 2>&1 & meanwhile=$$!; \
	failed=0; $(BIN)/python -m pytest $(HERE) || failed=1; \
	wait $$meanwhile || failed=1; cat build/tests-meanwhile.log; \
	wait $$beside || failed=1; cat build/tests-beside.log; exit $$failed

chaos: .venv/requirements-dev.txt ## kill, freeze, cut off and fill up everything (CHAOS_KILLS=200: how long; ARGS=--help)
	@exec $(BIN)/python -m tests.chaos $(ARGS)

bench: .venv/requirements-dev.txt ## throughput and latency on a Kafka of its own (PEERS=1: of others too; ARGS=--quick, --help)
	@exec $(BIN)/python -m bench $(if $(PEERS),--peers) $(ARGS)

profile: .venv/requirements-dev.txt ## where the detector's time goes over a backlog (ARGS=--help)
	@exec $(BIN)/python -m bench.profiling $(ARGS)

check: .venv/requirements-dev.txt ## lint, format, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PACKAGES) tests
	$(BIN)/lint-imports

format: .venv/requirements-dev.txt ## bring the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The page of `make up` and the cases are for who knows their tokens: random ones are written where there are none yet.
TOKENS_IN_ENV = for name in DASHBOARD_TOKEN CASES_API_TOKEN; do \
	printenv $$name >/dev/null || grep -qs "^$$name=." .env || { umask 077; touch .env; chmod 600 .env; \
	printf '\n%s=%s\n' $$name "$$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >> .env; }; done
TELL_PAGE = echo "the page: http://127.0.0.1:$${DASHBOARD_PORT:-8000}, log in with DASHBOARD_TOKEN from .env"

up: ## Kafka and the services with Docker, until all are healthy
	@docker network inspect $(KAFKA_NETWORK) >/dev/null 2>&1 || docker network create $(KAFKA_NETWORK) >/dev/null
	@$(TOKENS_IN_ENV)
	@$(KAFKA) up --detach --wait --remove-orphans
	@$(APPS) up --build --detach --wait
	@$(TELL_PAGE)
	@echo "up: make logs, make inspect TOPIC=$(TOPIC), make audit, make down"

up-cluster: ## the same with three brokers
	@docker network inspect $(KAFKA_NETWORK) >/dev/null 2>&1 || docker network create $(KAFKA_NETWORK) >/dev/null
	@$(TOKENS_IN_ENV)
	@$(CLUSTER) up --detach --wait
	@KAFKA_BROKER_URL=$(CLUSTER_URL) $(APPS) up --build --detach --wait
	@$(TELL_PAGE)
	@echo "up: make logs, make down; from this machine KAFKA_BROKER_URL=localhost:9091,localhost:9092,localhost:9093"

down: ## stop them and remove containers, network and data
	@$(APPS) --profile "*" down --volumes --remove-orphans
	@$(KAFKA) down --volumes --remove-orphans
	@$(CLUSTER) down --volumes
	@docker network rm $(KAFKA_NETWORK) >/dev/null 2>&1 || true

logs: ## follow what the services in Docker say
	@$(APPS) logs --follow --tail 20

screenshots: .venv/requirements-dev.txt ## the pictures of the dashboard in docs/images (needs Chromium)
	@exec $(BIN)/python -m tests.screenshots

audit: .venv/requirements.txt ## account for every transaction of the Kafka that runs (ARGS="--since 2h", ARGS=--help)
	@$(FIND_KAFKA); exec $(BIN)/python -m pipeline.operations.audit $(ARGS)

deadletters: .venv/requirements.txt ## list, show, redrive, skip or resume (ARGS=list, ARGS=--help)
	@$(FIND_KAFKA); exec $(BIN)/python -m pipeline.operations.deadletters $(or $(ARGS),--help)

rules: .venv/requirements.txt ## check, push, list, diff, roll back rules (ARGS="check rules/transfers.yaml", ARGS=--help)
	@$(FIND_KAFKA); exec $(BIN)/python -m detector.rules $(or $(ARGS),--help)

inspect: ## read TOPIC=... from its beginning with Kafka's console consumer, whichever Kafka runs
	@if address=$$($(BIN)/python -m kafka_local --address 2>/dev/null); then \
	  exec $(BIN)/python -m kafka_local.tools console-consumer --bootstrap-server "$$address" --topic $(TOPIC) \
	    --from-beginning --isolation-level read_committed --formatter-property print.headers=true; \
	else \
	  exec $(KAFKA) exec broker /opt/kafka/bin/kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic $(TOPIC) \
	    --from-beginning --isolation-level read_committed --formatter-property print.headers=true; \
	fi

docs: .venv/requirements-dev.txt ## write what is made from the code: tables of README.md, .env.example, rules/schema.json
	@$(BIN)/python -m tests.support.reference

lock: ## resolve the requirements anew and lock them by hash
	@test -x build/lock/bin/uv || { $(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet uv; }
	@build/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  --no-emit-index-url --no-header --no-annotate pyproject.toml --output-file requirements.txt
	@build/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  --no-emit-index-url --no-header --no-annotate --extra dev pyproject.toml --output-file requirements-dev.txt

compiled: .venv/requirements-dev.txt ## compile the innermost loop, which takes a C compiler: less processor time a record
	@exec $(BIN)/python -m compiling

interpreted: ## undo `make compiled`
	@rm -f pipeline__mypyc.*.so pipeline/compiled.sha256
	@find pipeline detector -name '*.so' -delete

clean: interpreted ## remove what was installed, built or fetched
	@rm -rf .venv build .kafka-local .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
