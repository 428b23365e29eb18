# A tour on a private throwaway server; the machine's own /etc stays as it is.
demo:
	tests/install-deps.sh tests/demo/deps
	$(MAKE) all
	@BUILD=$(abspath $(BUILD)) $(PYTHON3) tests/demo/run.py

.PHONY: demo
