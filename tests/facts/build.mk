# Facts about the host and the sandbox that the other tiers stand on.
PYTHON3      ?= /usr/bin/python3
PYTEST_JOBS  ?= 4
PYTEST_FLAGS ?= -q

check-facts: all
	$(PYTHON3) -m pytest $(PYTEST_FLAGS) -n $(PYTEST_JOBS) tests/facts

check: check-facts

.PHONY: check-facts
