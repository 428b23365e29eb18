# The MPM suite for Apache httpd: the ea-mpm command and mod_mpm_itkish.
#
#   make            build both
#   make check      install what tests need, build, run every test tier
#   make demo       a tour on a throwaway server
#   make install    DESTDIR= PREFIX= LIBEXECDIR= (of httpd's modules)
#   make bench      measure
#   make fuzz       search for inputs that break a parser (FUZZ_SECONDS=)
#   make dist       the source archive
#
# SAN=1 builds with ASan and UBSan, WERROR=1 with -Werror, CC=clang with clang.

VERSION  := $(shell cat VERSION)
PREFIX   ?= /usr/local
BUILD    ?= build
PKG_CONFIG ?= pkg-config
INSTALL  ?= install
APXS     ?= $(firstword $(shell command -v apxs apxs2 2>/dev/null))

WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wformat=2
ifdef WERROR
WARN     += -Werror
endif
# Link flags are given when compiling as well; clang would warn of each.
ifneq ($(findstring clang,$(CC)),)
WARN     += -Wno-unused-command-line-argument
endif
OPT      ?= -O2 -g
HARDEN   := -fstack-protector-strong
override LDFLAGS += -Wl,-z,relro,-z,now
ifdef SAN
OPT      := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
            -fno-sanitize-recover=undefined
else
HARDEN   += -D_FORTIFY_SOURCE=2
endif
BASE_CFLAGS := -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) $(HARDEN)

all:

include tools/ea-mpm/build.mk
include modules/mod_mpm_itkish/build.mk
include tests/build.mk

clean:
	rm -rf $(BUILD)

# The same bytes from the same commit, on any day and machine.
dist:
	@mkdir -p dist
	git archive --format=tar --prefix=ea-mpm-$(VERSION)/ HEAD | \
	    gzip -9n >dist/ea-mpm-$(VERSION).tar.gz
	@echo dist/ea-mpm-$(VERSION).tar.gz

.PHONY: all clean check check-deps demo bench fuzz install dist
