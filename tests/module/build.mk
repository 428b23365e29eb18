# Throughput, latency and memory against stock prefork and mpm-itk; about a
# quarter of an hour, BENCH_FLAGS=--quick for a minute or two.
bench-module: all
	$(PYTHON3) tests/bench/module_bench.py $(BENCH_FLAGS)

bench: bench-module

.PHONY: bench-module
