# Whole servers. They start and stop, so no more than the machine has CPUs.
PYTEST_FLAGS_system := -n $(shell nproc)
