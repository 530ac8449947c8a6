#!/usr/bin/env bash
# Asks of the source what a compiler does not: who may include whom, who may
# know which library, how long files and functions are.  TAP on stdout.
#
# Floors: a room includes headers of lower floors and its own, never sideways
# or upward.  See CONTRIBUTING.md.
set -u
cd "$(dirname "$0")/.." || exit 1
source test/tap.sh

declare -A floor=(
	[base]=0
	[json]=1 [http]=1
	[settings]=2 [catalog]=2 [engine]=2
	[service]=3 [program]=3
	[pipeline]=4
	[api]=5 [executor]=5 [trigger]=5
)

wrong_floors() {
	local file room line target
	for file in src/*/*.[ch]; do
		room=${file#src/}
		room=${room%%/*}
		if [ -z "${floor[$room]:-}" ]; then
			echo "$file: room \"$room\" has no floor"
			continue
		fi
		while IFS= read -r line; do
			target=${line#*\"}
			target=${target%%/*}
			[ -f "src/$(expr "$line" : '[^"]*"\([^"]*\)"')" ] || continue
			[ "$target" != "$room" ] || continue
			# Settings checks are handed in by services: settings knows no HTTP.
			[ "${floor[$target]}" -lt "${floor[$room]}" ] || echo "$file: $line"
		done < <(grep -E '^#include "[a-z_]+/' "$file")
	done
}

# The engine and its program have to be able to do without a server.
server_headers() {
	grep -nE '^#include "' src/engine/*.[ch] | grep -vE '"(engine/|json/json_tree\.h")'
	grep -nE '^#include "' src/program/*.[ch] | grep -vE '"(engine/|program/|json/json_tree\.h")'
}

# foreign PATTERN FILES-REGEX: uses of PATTERN outside of files that may.
foreign() { grep -rnE "$1" src --include='*.[ch]' | grep -vE "^$2"; }

long_files() { find src -name '*.[ch]' -exec wc -l {} + | awk '$1 > 800 && $2 != "total" { print $2 ": " $1 " lines" }'; }

long_functions() {
	find src -name '*.c' -exec awk '
		FNR == 1 { start = 0 }
		/^\{/ { start = FNR }
		/^\}/ { if (start && FNR - start > 100) print FILENAME ":" start ": " FNR - start " lines"; start = 0 }' {} +
}

without_guard() {
	local header
	for header in src/*/*.h; do
		case $header in
			*_list.h | */kernel_*.h) continue ;; # included more than once, on purpose
		esac
		grep -q '^#ifndef INFERENCE_' "$header" || echo "$header"
	done
}

report "rooms include lower floors only" "$(wrong_floors)"
report "the engine knows no server" "$(server_headers)"
report "only http/ and fetch know libcurl" "$(foreign 'curl/|\bcurl_(easy|multi|url|global)' 'src/(http/|program/hub_transfer\.c)')"
report "only json/ knows json-c" "$(foreign 'json-c/|\bjson_(object|tokener)_' 'src/json/')"
report "no SQL is run through SPI" "$(foreign 'executor/spi\.h|\bSPI_' 'src/catalog/')"
report "versions are asked for in base/compat.h only" "$(foreign 'PG_VERSION_NUM|LIBCURL_VERSION_NUM|JSON_C_VERSION' 'src/base/compat\.h')"
report "services are named in their own files only" \
	"$(foreign '"(openai|hugging_face|elser|hashing)"' 'src/service/')"
report "files have at most 800 lines" "$(long_files)"
report "functions have at most 100 lines" "$(long_functions)"
report "headers have guards" "$(without_guard)"
report "nothing is left to do later" "$(foreign 'TODO|FIXME|XXX|HACK' ' ')"
report "no fast-math, which changes the whole process" "$(grep -n 'fast-math' Makefile test/unit/Makefile 2>/dev/null)"
report "no OpenMP, which hangs after fork()" "$(grep -n 'openmp' Makefile; foreign 'omp\.h|pragma omp' ' ')"

finish
