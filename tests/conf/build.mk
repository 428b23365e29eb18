# The program that the conf tier compares with httpd.
test-programs: $(BUILD)/tests/walk

$(BUILD)/tests/walk: tests/conf/walk.c $(TOOL_LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(TOOL_CFLAGS) $(CFLAGS) -pie $(LDFLAGS) -o $@ $< \
	    $(TOOL_LIB) $(TOOL_LIBS)
