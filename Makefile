# inference: embeddings in SQL.  Build with: make && make install && make installcheck
EXTENSION = inference
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" $(srcdir)/inference.control)
MODULE_big = inference

# A new file is found by its place; scripts have "--" in their names, tests have not.
OBJS = $(patsubst $(srcdir)/%.c,%.o,$(wildcard $(srcdir)/src/*.c $(srcdir)/src/*/*.c))
DATA = $(wildcard $(srcdir)/sql/inference--*.sql)
REGRESS = $(filter-out inference--%,$(patsubst $(srcdir)/sql/%.sql,%,$(wildcard $(srcdir)/sql/*.sql)))
REGRESS_OPTS = --load-extension=inference --encoding=UTF8 --no-locale
ISOLATION = $(patsubst $(srcdir)/test/specs/%.spec,%,$(wildcard $(srcdir)/test/specs/*.spec))
ISOLATION_OPTS = --inputdir=$(srcdir)/test --load-extension=inference

PG_CPPFLAGS = -I$(srcdir)/src -DINFERENCE_VERSION='"$(EXTVERSION)"' \
	$(shell curl-config --cflags) $(shell pkg-config --cflags json-c)
PG_CFLAGS = -Wextra -Wno-unused-parameter -Wno-sign-compare
SHLIB_LINK = $(shell curl-config --libs) $(shell pkg-config --libs json-c)

EXTRA_CLEAN = results output_iso tmp_check

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

check-unit:
	$(MAKE) -C $(srcdir)/test/unit check

check-style:
	$(srcdir)/test/check_floors.sh

# The extension beside bare libcurl, on throwaway servers: see bench/run.
bench:
	$(srcdir)/bench/run

.PHONY: bench check-unit check-style
