# One command each for running, testing, checking and measuring. `make help` says what they do.
# Needs Debian (or another Linux) with Python 3.11, make and git; everything else is fetched here.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# A python3.11 that answers: a version manager's stand-in on the PATH may be there and not work.
PYTHON := $(shell for p in python3.11 /usr/bin/python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && command -v "$$p" && break; done)

.PHONY: help run test soak lint bench format python

help: ## say all this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "  PORT=8080 make run moves the service; the settings are in docs/settings.md"

run: python ## from a fresh clone to a running service; Ctrl-C stops all of it
	@exec $(PYTHON) -m setup.run

test: python ## set up what is missing and run the whole suite (SQLite, PostgreSQL, Rasa, browser)
	@exec $(PYTHON) -m setup.suite test $(ARGS)

soak: python ## the long ones: full fault set, load, a simulated year
	@exec $(PYTHON) -m setup.suite soak $(ARGS)

lint: python ## formatting, linting, types, import rule, dependency and licence checks
	@exec $(PYTHON) -m setup.lint

format: python ## put the code into the house's shape
	@exec $(PYTHON) -m setup.lint --fix

bench: python ## measurements against named peers: prints a table, writes var/bench.json
	@exec $(PYTHON) -m setup.suite bench $(ARGS)

python:
	@test -n "$(PYTHON)" || { \
	echo "Linkline needs Python 3.11 and found none. On Debian 12: apt-get install python3" >&2; exit 1; }
