# The module against a real httpd, as root (skipped elsewhere).
PYTHON3      ?= /usr/bin/python3
PYTEST_JOBS  ?= 4
PYTEST_FLAGS ?= -q

check-module: all
	$(PYTHON3) -m pytest $(PYTEST_FLAGS) -n $(PYTEST_JOBS) tests/module

check: check-module

.PHONY: check-module
