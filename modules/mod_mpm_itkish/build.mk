# mod_mpm_itkish: built with the settings of the httpd that apxs knows, and
# exporting its module record only. The itk_* objects know nothing of httpd;
# unit tests and fuzz targets link them too.
MOD_DIR    := modules/mod_mpm_itkish
MOD_SO     := $(BUILD)/modules/mod_mpm_itkish.so
MOD_SRC    := $(sort $(wildcard $(MOD_DIR)/*.c))
MOD_OBJ    := $(MOD_SRC:%.c=$(BUILD)/obj/%.o)
MOD_MAP    := $(MOD_DIR)/exports.map
MOD_PKGS   := apr-1 apr-util-1 libcap libseccomp
MOD_LIBS    = $(shell $(PKG_CONFIG) --libs libcap libseccomp)
# What the server was built with, without its warnings and optimisation.
MOD_CFLAGS  = $(BASE_CFLAGS) -fPIC -fno-strict-aliasing -I$(MOD_DIR) \
              -isystem $(shell $(APXS) -q INCLUDEDIR) \
              $(filter -D% -U% -m%,$(shell $(APXS) -q EXTRA_CPPFLAGS) $(shell $(APXS) -q CFLAGS)) \
              $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(MOD_PKGS))) \
              -DITK_VERSION='"$(VERSION)"'

ifneq ($(APXS),)
all: $(MOD_SO)
else
all: no-apxs
endif

no-apxs:
	@echo "mod_mpm_itkish is not built: no apxs found (apache2-dev or" \
	    "httpd-devel); or say APXS=/path/to/apxs" >&2

$(BUILD)/obj/$(MOD_DIR)/%.o: $(MOD_DIR)/%.c VERSION
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(MOD_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(MOD_SO): $(MOD_OBJ) $(MOD_MAP)
	@mkdir -p $(@D)
	$(CC) $(MOD_CFLAGS) $(CFLAGS) -shared $(LDFLAGS) -Wl,--version-script=$(MOD_MAP) \
	    -o $@ $(MOD_OBJ) $(MOD_LIBS)

# Into apxs's own module folder, or LIBEXECDIR.
LIBEXECDIR ?= $(shell $(APXS) -q LIBEXECDIR)

# The module alone, for a package that holds nothing else.
module: $(MOD_SO)

install-module: $(MOD_SO)
	$(INSTALL) -d $(DESTDIR)$(LIBEXECDIR)
	$(INSTALL) -m 644 $(MOD_SO) $(DESTDIR)$(LIBEXECDIR)/mod_mpm_itkish.so

ifneq ($(APXS),)
install: install-module
endif

-include $(MOD_OBJ:.o=.d)

.PHONY: no-apxs module install-module
