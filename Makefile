# inference: embeddings in SQL.  Build with: make && make install && make installcheck
EXTENSION = inference
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" $(srcdir)/inference.control)
MODULE_big = inference

# A new file is found by its place; scripts have "--" in their names, tests have not.
ENGINE_SOURCES = $(wildcard $(srcdir)/src/engine/*.c $(srcdir)/src/program/*.c)
OBJS = $(patsubst $(srcdir)/%.c,%.o,$(filter-out $(ENGINE_SOURCES),$(wildcard $(srcdir)/src/*.c $(srcdir)/src/*/*.c)))
DATA = $(wildcard $(srcdir)/sql/inference--*.sql)
REGRESS = $(filter-out inference--%,$(patsubst $(srcdir)/sql/%.sql,%,$(wildcard $(srcdir)/sql/*.sql)))
REGRESS_OPTS = --load-extension=inference --encoding=UTF8 --no-locale
ISOLATION = $(patsubst $(srcdir)/test/specs/%.spec,%,$(wildcard $(srcdir)/test/specs/*.spec))
ISOLATION_OPTS = --inputdir=$(srcdir)/test --load-extension=inference

PG_CPPFLAGS = -I$(srcdir)/src -DINFERENCE_VERSION='"$(EXTVERSION)"' \
	$(shell curl-config --cflags) $(shell pkg-config --cflags json-c)
PG_CFLAGS = -Wextra -Wno-unused-parameter -Wno-sign-compare
SHLIB_LINK = $(shell curl-config --libs) $(shell pkg-config --libs json-c)

# The local engine is a program: no part of the server, which can do without.
ENGINE_PACKAGES = icu-uc json-c libcrypto libcurl
ENGINE_OBJS = $(patsubst $(srcdir)/%.c,%.o,$(ENGINE_SOURCES)) src/json/json_scan.o src/json/json_tree.o
ENGINE = $(shell pkg-config --exists $(ENGINE_PACKAGES) && echo inference-engine)

EXTRA_CLEAN = results output_iso tmp_check inference-engine $(ENGINE_OBJS)

PG_CONFIG ?= pg_config
srcdir = .
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# Only what the server calls is visible (macOS knows no version scripts).
ifneq ($(PORTNAME), darwin)
SHLIB_LINK += -Wl,--version-script=$(srcdir)/src/inference.map
endif

# PGXS tracks no headers unless the server was built so.
$(OBJS): $(wildcard $(srcdir)/src/*/*.h) $(srcdir)/inference.control
inference.so: $(srcdir)/src/inference.map

# Loops of C are worth more to the engine than to a server.
$(patsubst $(srcdir)/%.c,%.o,$(ENGINE_SOURCES)): override CFLAGS += -O3 $(shell pkg-config --cflags $(ENGINE_PACKAGES))
$(ENGINE_OBJS): $(wildcard $(srcdir)/src/*/*.h)

inference-engine: $(ENGINE_OBJS)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(ENGINE_OBJS) $(shell pkg-config --libs $(ENGINE_PACKAGES)) -lm -lpthread

ifneq ($(ENGINE),)
all: inference-engine
install: install-engine
install-engine: inference-engine
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	$(INSTALL_PROGRAM) inference-engine '$(DESTDIR)$(bindir)'
	@echo "The program is $(DESTDIR)$(bindir)/inference-engine"
uninstall: uninstall-engine
uninstall-engine:
	rm -f '$(DESTDIR)$(bindir)/inference-engine'
else
all: without-engine
without-engine:
	@echo "inference-engine is left out: pkg-config does not find all of $(ENGINE_PACKAGES)"
endif

check-unit:
	$(MAKE) -C $(srcdir)/test/unit check

check-style:
	$(srcdir)/test/check_floors.sh

# The extension beside bare libcurl, on throwaway servers: see bench/run.
bench:
	$(srcdir)/bench/run

.PHONY: bench check-unit check-style install-engine uninstall-engine without-engine
