#!/usr/bin/env bash
# Holds the documents against the code: needs a server (PGHOST and so on) in
# which the extension is installed but not created.  TAP on stdout.
set -u
cd "$(dirname "$0")/.." || exit 1
source test/tap.sh

query() { psql -X -At -v ON_ERROR_STOP=1 -d docs_check -c "$1"; }

# absent FILE: reads names, prints those that FILE does not mention.
absent() {
	local name
	while IFS= read -r name; do
		grep -qF -- "$name" "$1" || echo "$name is not in $1"
	done
}

services_table() {
	diff <(sed -n '/<!-- services:begin -->/,/<!-- services:end -->/p' docs/services.md | sed '1d;$d') \
		<(PGDATABASE=docs_check script/services-table)
}

broken_links() {
	local file link
	for file in *.md docs/*.md; do
		grep -oE '\]\([^)#]+' "$file" | sed 's/^](//' | grep -vE '^https?:' | while IFS= read -r link; do
			[ -e "$(dirname "$file")/$link" ] || echo "$file: $link"
		done
	done
}

createdb docs_check && query 'CREATE EXTENSION inference' >/dev/null || exit 1

report "docs/services.md has the table of inference_services" "$(services_table)"
report "README.md names every setting" "$(query "
	SELECT name FROM pg_settings WHERE name LIKE 'inference.%' ORDER BY 1" | absent README.md)"
report "docs/functions.md names every function" "$(query "
	SELECT DISTINCT proname FROM pg_proc p
		JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'inference'
	WHERE proname LIKE 'inference%' ORDER BY 1" | absent docs/functions.md)"
report "README.md names every function" "$(query "
	SELECT DISTINCT proname FROM pg_proc WHERE proname LIKE 'inference\\_%' ORDER BY 1" | absent README.md)"
report "every service has a page" "$(query "
	SELECT DISTINCT 'docs/service-' || replace(service, '_', '-') || '.md' FROM inference_services" |
	while IFS= read -r page; do [ -e "$page" ] || echo "$page"; done)"
report "docs/errors.md names every condition of the table of faults" "$(
	sed -n '/fault_rows\[\]/,/^};/p' src/base/errors.c | grep -oE 'ERRCODE_[A-Z_]+' |
	sed 's/^ERRCODE_//' | tr 'A-Z' 'a-z' | sort -u | absent docs/errors.md)"
report "links lead somewhere" "$(broken_links)"
report "CHANGELOG.md knows the version" "$(query "
	SELECT default_version FROM pg_available_extensions WHERE name = 'inference'" | absent CHANGELOG.md)"

dropdb docs_check
finish
