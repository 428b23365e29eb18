# ea-mpm: one object per source, all but main.c in a library that the unit
# tests and fuzz targets link too.
TOOL_DIR   := tools/ea-mpm
TOOL_PKGS  := apr-1 apr-util-1 jansson libelf openssl
TOOL_SRC   := $(sort $(wildcard $(TOOL_DIR)/*.c $(TOOL_DIR)/*/*.c))
TOOL_OBJ   := $(TOOL_SRC:%.c=$(BUILD)/obj/%.o)
TOOL_LIB   := $(BUILD)/lib/libea-mpm.a
TOOL_BIN   := $(BUILD)/bin/ea-mpm
TOOL_CFLAGS = $(BASE_CFLAGS) -fPIE -I$(TOOL_DIR) $(shell $(PKG_CONFIG) --cflags $(TOOL_PKGS)) \
              -DEM_VERSION='"$(VERSION)"' -DEM_PREFIX='"$(PREFIX)"'
TOOL_LIBS   = $(shell $(PKG_CONFIG) --libs $(TOOL_PKGS))

ifneq ($(wildcard $(TOOL_DIR)/main.c),)
all: $(TOOL_BIN)
endif

$(BUILD)/obj/$(TOOL_DIR)/%.o: $(TOOL_DIR)/%.c VERSION
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(TOOL_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(TOOL_LIB): $(filter-out %/main.o,$(TOOL_OBJ))
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

$(TOOL_BIN): $(BUILD)/obj/$(TOOL_DIR)/main.o $(TOOL_LIB)
	@mkdir -p $(@D)
	$(CC) $(TOOL_CFLAGS) $(CFLAGS) -pie $(LDFLAGS) -o $@ $^ $(TOOL_LIBS)

-include $(TOOL_OBJ:.o=.d)
