# What the crash tier preloads, and a switch without a server to break.
test-programs: $(BUILD)/tests/faultshim.so $(BUILD)/tests/crashdriver

$(BUILD)/tests/faultshim.so: tests/crash/faultshim.c
	@mkdir -p $(@D)
	$(CC) -O1 -g $(WARN) -fPIC -shared -o $@ $< -ldl

$(BUILD)/tests/crashdriver: tests/crash/driver.c $(TOOL_LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(TOOL_CFLAGS) $(CFLAGS) -pie $(LDFLAGS) -o $@ $< \
	    $(TOOL_LIB) $(TOOL_LIBS)
