# Unit tests: every test_*.c is a program. test_itk_*.c are linked with the
# module's itk_*.c, the others with the tool's library; they run in the
# project's top folder and may read tests/ from there.
UNIT_SRC  := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BIN  := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
ITK_DIR   := modules/mod_mpm_itkish
ITK_SRC   := $(sort $(wildcard $(ITK_DIR)/itk_*.c))
ITK_OBJ   := $(ITK_SRC:%.c=$(BUILD)/obj/plain/%.o)
ITK_PKGS  := apr-1 apr-util-1 libcap libseccomp
ITK_CFLAGS = $(BASE_CFLAGS) -fPIE -I$(ITK_DIR) $(shell $(PKG_CONFIG) --cflags $(ITK_PKGS))
ITK_LIBS   = $(shell $(PKG_CONFIG) --libs $(ITK_PKGS))

unit: unit-build
	tests/unit/run.sh $(UNIT_BIN)

unit-build: $(UNIT_BIN)

$(filter $(BUILD)/unit/test_itk_%,$(UNIT_BIN)): $(BUILD)/unit/%: tests/unit/%.c $(ITK_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ITK_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -pie $(LDFLAGS) \
	    -o $@ $< $(ITK_OBJ) $(ITK_LIBS) -lcmocka

$(BUILD)/unit/test_%: tests/unit/test_%.c $(TOOL_LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(TOOL_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -pie $(LDFLAGS) \
	    -o $@ $< $(TOOL_LIB) $(TOOL_LIBS) -lcmocka

# The module's own files without httpd, for unit tests and fuzz targets.
$(BUILD)/obj/plain/$(ITK_DIR)/%.o: $(ITK_DIR)/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ITK_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(ITK_OBJ:.o=.d) $(UNIT_BIN:=.d)

.PHONY: unit unit-build
