# The MPM suite for Apache httpd: the ea-mpm command and mod_mpm_itkish.
#
#   make            build both              make check      run every test tier
#   make install    DESTDIR= PREFIX=        make demo       a tour on a throwaway server
#   make bench      measure                 make fuzz       fuzz the parsers (FUZZ_SECONDS=)
#
# SAN=1 builds with ASan and UBSan, WERROR=1 with -Werror, CC=clang with clang.

VERSION  := $(shell cat VERSION)
PREFIX   ?= /usr/local
BUILD    ?= build
PKG_CONFIG ?= pkg-config
APXS     ?= $(firstword $(shell command -v apxs apxs2 2>/dev/null))

WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wformat=2
ifdef WERROR
WARN     += -Werror
endif
OPT      ?= -O2 -g
HARDEN   := -fstack-protector-strong -Wl,-z,relro,-z,now
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

.PHONY: all clean check check-deps demo bench fuzz install dist
