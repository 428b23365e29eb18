# Every measurement; each prints its ratios and the limits they must keep.
bench: all
	@status=0; for program in tests/bench/*_bench.py; do \
	    echo "== $$program"; \
	    BUILD=$(abspath $(BUILD)) $(PYTHON3) $$program || status=1; \
	done; exit $$status

.PHONY: bench
