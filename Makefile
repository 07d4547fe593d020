# make bench: score the shipped agents.  make test: every check.  make setup: the set-up alone.
VENV := .venv
BIN := $(VENV)/bin
# the first interpreter that starts and for which PyBullet has a wheel, else whatever python3 is
PYTHON ?= $(shell for p in python3.11 python3.10 python3; do \
	if $$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 11))' 2>/dev/null; \
	then echo $$p; exit; fi; done; echo python3)

.PHONY: bench test setup clean

bench: setup
	$(BIN)/genba bench quick

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit("genba needs Python 3.10 or newer; set PYTHON=...") if v < (3, 10) else None; v > (3, 11) and print("PyBullet has no wheel for Python %d.%d: it builds from source, which takes about three minutes and a C++ compiler. Python 3.11 needs neither." % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[all]"
	@touch $@

clean:
	find sim safety envs agents \( -name '*.nbi' -o -name '*.nbc' \) -delete
	rm -rf $(VENV) runs build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
