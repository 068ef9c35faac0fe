# make run   starts everything and shows the address        make test   checks everything
PYTHON ?=
PORT ?= 8000
export PORT
# Only as it was typed behind `make`: some shells have a variable HOST of their own.
ifeq ($(origin HOST),command line)
export FRONT_HOST := $(HOST)
endif

VENV := .venv
BIN := $(VENV)/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --no-emit-index-url

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test proofs reset bench tuning lock venv venv-dev browser lint types imports migrations unit status

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  PORT=8001 makes run, status, reset and bench speak of another sandbox; PYTHON=python3.12 picks an interpreter."
	@echo "  HOST=0.0.0.0 lets others reach it, PUBLIC_ORIGIN=https://... is for a TLS proxy in front: docs/publishing.md."

run: venv ## start Sagabox on this machine and show its address; Ctrl-C stops all of it
	@exec $(BIN)/python manage.py sandbox up --host "$$FRONT_HOST"

status: venv ## what runs
	@exec $(BIN)/python manage.py sandbox status

reset: venv ## remove data, logs and secrets of the sandbox
	@exec $(BIN)/python manage.py sandbox reset

bench: venv ## bookings per second, in turns with a Celery chain, Restate and DBOS
	@exec $(BIN)/python -m bench

test: venv-dev browser lint imports types migrations unit ## every check, then every test

proofs: venv-dev browser ## the tests that take long: run before a release
	$(BIN)/python -m tests -m proof

lint: venv-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m tests.english
	$(BIN)/djlint --quiet templates

imports: venv-dev
	$(BIN)/lint-imports

types: venv-dev
	$(BIN)/python -m mypy .

migrations: venv-dev
	SERVICE=control $(BIN)/python manage.py makemigrations --check --dry-run

unit: venv-dev
	$(BIN)/python -m tests

tuning: venv ## docs/tuning.md, the table of tuning constants, from the code
	$(BIN)/python -m topology.tuning_table

lock: venv-dev ## pin requirements*.in anew, with hashes and without addresses
	$(COMPILE) requirements.in -o requirements.txt
	$(COMPILE) requirements-dev.in -c requirements.txt -o requirements-dev.txt
	$(COMPILE) bench/peers/packages/requirements.in -c requirements.txt -o bench/peers/packages/requirements.txt

venv:
	@PYTHON="$(PYTHON)" sh sandbox/machine/venv.sh $(VENV) run

venv-dev:
	@PYTHON="$(PYTHON)" sh sandbox/machine/venv.sh $(VENV) dev

browser: venv-dev
	@sh sandbox/machine/chromium.sh $(BIN)/python
