# make demo    the whole road on an embedded Kafka, OpenSearch and Spark
# make test    every test, those on the real engines included
# make check   format, lint, types and the fast tests
# make lock    write requirements.lock anew from setup.cfg

VENV   := .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
FAST   := not services and not e2e and not slow
STAMP  := $(VENV)/.installed
TOOLS  := chromium nginx openssl docker-compose
DEBIAN := chromium fonts-dejavu-core nginx-light openssl docker-compose

.PHONY: demo test tools check format lock down clean

demo: $(STAMP)
	@$(BIN)/hamrong demo

test: $(STAMP) tools
	@$(BIN)/hamrong stack jars
	@$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder

# What tests drive that no package of Python brings: a browser, the proxy of a server, its certificates, its compose file.
tools:
	@for tool in $(TOOLS); do \
	  PATH="$$PATH:/usr/sbin" command -v $$tool >/dev/null || missing=1; \
	done; test -z "$$missing" || { \
	  echo "Installing Debian's $(TOOLS) ..."; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends $(DEBIAN) >/dev/null; \
	} || { echo "The tests need $(TOOLS) on PATH; as root: apt-get install $(DEBIAN)"; exit 2; }

check: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/pytest -q -n 2 -m "$(FAST)" --hypothesis-profile brief

format: $(STAMP)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(STAMP)
	@$(BIN)/pip install -q uv
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --extra dev setup.cfg --no-header -o requirements.lock
	@sed -i '1i # Every package with its hashes; written by "make lock" from setup.cfg.' requirements.lock

down:
	@test ! -x $(BIN)/hamrong || $(BIN)/hamrong stack down

clean: down
	@rm -rf $(VENV) .hamrong

$(STAMP): requirements.lock setup.cfg
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; say which: make PYTHON=/path/to/python3.12 ..."; exit 2; }
	@echo "Installing Python packages into $(VENV) (about 2 minutes the first time) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)
