# The program that prints the facts for the facts tier.
test-programs: $(BUILD)/tests/dump_facts

$(BUILD)/tests/dump_facts: tests/facts/dump_facts.c $(TOOL_LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(TOOL_CFLAGS) $(CFLAGS) -pie $(LDFLAGS) -o $@ $< \
	    $(TOOL_LIB) $(TOOL_LIBS)
