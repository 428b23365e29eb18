# Fuzz targets: fuzz_WHAT.c with LLVMFuzzerTestOneInput, its inputs in
# corpus/WHAT/. `make fuzz-replay` runs every input once, with any compiler;
# `make fuzz FUZZ_SECONDS=60` searches for new ones, with clang.
FUZZ_SRC     := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BIN     := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/fuzz/%)
FUZZ_SECONDS ?= 60

fuzz-replay: fuzz-build
	tests/fuzz/replay.sh $(FUZZ_BIN)

fuzz-build: $(FUZZ_BIN)

# With FUZZER=1 (and clang) the real engine takes the place of standalone.c.
ifdef FUZZER
FUZZ_MAIN := -fsanitize=fuzzer
else
FUZZ_MAIN := tests/fuzz/standalone.c
endif

$(filter $(BUILD)/fuzz/fuzz_itk_%,$(FUZZ_BIN)): $(BUILD)/fuzz/%: tests/fuzz/%.c $(ITK_OBJ) tests/fuzz/standalone.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ITK_CFLAGS) $(CFLAGS) -pie $(LDFLAGS) -o $@ $< \
	    $(FUZZ_MAIN) $(ITK_OBJ) $(ITK_LIBS)

$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(TOOL_LIB) tests/fuzz/standalone.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(TOOL_CFLAGS) $(CFLAGS) -pie $(LDFLAGS) -o $@ $< \
	    $(FUZZ_MAIN) $(TOOL_LIB) $(TOOL_LIBS)

fuzz:
	$(MAKE) CC=clang SAN=1 FUZZER=1 BUILD=$(BUILD)/fuzzer \
	    CFLAGS='$(CFLAGS) -fsanitize=fuzzer-no-link' fuzz-build
	tests/fuzz/search.sh $(FUZZ_SECONDS) \
	    $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/fuzzer/fuzz/%)

.PHONY: fuzz fuzz-build fuzz-replay
