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

# The rules lie where the program looks for them: ../share beside its folder.
TOOL_RULES := $(wildcard $(TOOL_DIR)/rules.d/*.json)
TOOL_SHARE := $(TOOL_RULES:$(TOOL_DIR)/%=$(BUILD)/share/ea-mpm/%)

ifneq ($(wildcard $(TOOL_DIR)/main.c),)
all: $(TOOL_BIN) $(TOOL_SHARE)
endif

$(BUILD)/share/ea-mpm/%: $(TOOL_DIR)/%
	@mkdir -p $(@D)
	cp $< $@

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

SBINDIR ?= $(PREFIX)/sbin
DATADIR ?= $(PREFIX)/share
MANDIR  ?= $(DATADIR)/man

# What recovers an interrupted switch at boot: INIT=systemd, openrc or sysv.
INIT              ?= systemd
UNITDIR           ?= $(PREFIX)/lib/systemd/system
INIT_DIR_systemd   = $(UNITDIR)
INIT_FILE_systemd  = $(UNITDIR)/ea-mpm-recover.service
INIT_MODE_systemd  = 644
INIT_DIR_openrc    = /etc/init.d
INIT_FILE_openrc   = /etc/init.d/ea-mpm-recover
INIT_MODE_openrc   = 755
INIT_DIR_sysv      = $(INIT_DIR_openrc)
INIT_FILE_sysv     = $(INIT_FILE_openrc)
INIT_MODE_sysv     = $(INIT_MODE_openrc)

install: install-tool

install-tool: $(TOOL_BIN) $(TOOL_SHARE)
	$(INSTALL) -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man8 \
	    $(DESTDIR)$(DATADIR)/ea-mpm/rules.d $(DESTDIR)$(DATADIR)/ea-mpm/schema \
	    $(DESTDIR)$(DATADIR)/bash-completion/completions \
	    $(DESTDIR)$(DATADIR)/zsh/site-functions \
	    $(DESTDIR)$(DATADIR)/fish/vendor_completions.d
	$(INSTALL) -m 755 $(TOOL_BIN) $(DESTDIR)$(SBINDIR)/ea-mpm
	$(INSTALL) -m 644 $(TOOL_RULES) $(DESTDIR)$(DATADIR)/ea-mpm/rules.d/
	$(INSTALL) -m 644 docs/schema/*.json $(DESTDIR)$(DATADIR)/ea-mpm/schema/
	$(INSTALL) -m 644 docs/man/*.5 $(DESTDIR)$(MANDIR)/man5/
	$(INSTALL) -m 644 docs/man/ea-mpm.8 $(DESTDIR)$(MANDIR)/man8/
	$(INSTALL) -m 644 $(TOOL_DIR)/completion/bash \
	    $(DESTDIR)$(DATADIR)/bash-completion/completions/ea-mpm
	$(INSTALL) -m 644 $(TOOL_DIR)/completion/zsh \
	    $(DESTDIR)$(DATADIR)/zsh/site-functions/_ea-mpm
	$(INSTALL) -m 644 $(TOOL_DIR)/completion/fish \
	    $(DESTDIR)$(DATADIR)/fish/vendor_completions.d/ea-mpm.fish

	$(INSTALL) -d $(DESTDIR)$(INIT_DIR_$(INIT))
	sed 's|@sbindir@|$(SBINDIR)|' $(TOOL_DIR)/init/ea-mpm-recover.$(INIT) \
	    >$(DESTDIR)$(INIT_FILE_$(INIT))
	chmod $(INIT_MODE_$(INIT)) $(DESTDIR)$(INIT_FILE_$(INIT))

.PHONY: install-tool

-include $(TOOL_OBJ:.o=.d)
