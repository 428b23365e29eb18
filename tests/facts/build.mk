# Facts about the host, against httpd's own word and trees of other systems.
PYTHON3      ?= /usr/bin/python3
PYTEST_JOBS  ?= 4
PYTEST_FLAGS ?= -q
DUMP_FACTS   := $(BUILD)/tests/dump_facts

$(DUMP_FACTS): tests/facts/dump_facts.c $(TOOL_LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(TOOL_CFLAGS) $(CFLAGS) -pie $(LDFLAGS) -o $@ $< \
	    $(TOOL_LIB) $(TOOL_LIBS)

check-facts: all $(DUMP_FACTS)
	DUMP_FACTS=$(abspath $(DUMP_FACTS)) \
	    $(PYTHON3) -m pytest $(PYTEST_FLAGS) -n $(PYTEST_JOBS) tests/facts

check: check-facts

.PHONY: check-facts
