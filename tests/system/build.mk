# The machines are booted one at a time a worker; the power cuts use the
# crash tier's shim.
PYTEST_FLAGS_system = -n 2 --dist load
check-system: $(BUILD)/tests/faultshim.so
