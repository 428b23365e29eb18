# The test tiers. tests/README.md says what each needs and how to run one.
#
# A tier is a folder tests/NAME with test_*.py in it; `make check-NAME` runs
# it. `make check` installs what is missing and runs them all.
PYTHON3     ?= /usr/bin/python3
PYTEST_JOBS ?= 4
PYTEST      := PYTHONDONTWRITEBYTECODE=1 BUILD=$(abspath $(BUILD)) \
               $(PYTHON3) -m pytest -p no:cacheprovider
PYTEST_FLAGS ?= -q

# Everything, in a make of its own: the build reads pkg-config and apxs, which
# a bare machine gets only now.
check: check-deps
	tests/run.sh

check-deps:
	tests/install-deps.sh

# One tier. Its folder's build.mk may set PYTEST_FLAGS_NAME and add programs
# of its own to test-programs.
check-%: all test-programs
	@mkdir -p $(BUILD)/check
	$(PYTEST) -n $(PYTEST_JOBS) --dist loadfile -rs $(PYTEST_FLAGS) \
	    $(PYTEST_FLAGS_$*) --junitxml=$(BUILD)/check/$*.xml tests/$*

# The unit tests first: they name the objects that fuzz targets share.
include tests/unit/build.mk \
    $(filter-out tests/unit/build.mk,$(wildcard tests/*/build.mk))

.PHONY: check check-deps test-programs
