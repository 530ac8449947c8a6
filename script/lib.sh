# lib.sh: what script/demo and script/test share.  Meant to be sourced by bash.
#
# Nothing of the machine is changed but the packages that are installed: the
# extension goes into a private copy of the PostgreSQL installation (which
# finds its files relative to itself), servers are throwaway clusters in a
# temporary folder, and all of it is gone when the script ends.

set -euo pipefail
export LC_ALL=C.UTF-8 LANG=C.UTF-8 PGTZ=UTC
unset PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGSERVICE PGOPTIONS

root_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Installs Debian packages that are missing.
install_packages() {
	local missing=() package
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
			grep -q '^install ok installed$' || missing+=("$package")
	done
	[ "${#missing[@]}" -gt 0 ] || return 0
	say "Installing ${missing[*]}"
	"${as_root[@]}" apt-get update -qq >&2
	# A cluster of Debian's own would start with the server package.
	if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
		"${as_root[@]}" mkdir -p /etc/postgresql-common
		echo 'create_main_cluster = false' |
			"${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
	fi
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Sets postgres_major, the PostgreSQL major version to use: the newest server that
# is installed, or the one that the release has.
find_postgres() {
	postgres_major=$(find /usr/lib/postgresql -path '*/bin/postgres' -printf '%P\n' 2>/dev/null |
		cut -d / -f 1 | sort -n | tail -n 1) || true
	[ -z "$postgres_major" ] || return 0
	release_postgres_major
	[ -n "$postgres_major" ] || { "${as_root[@]}" apt-get update -qq >&2; release_postgres_major; }
	[ -n "$postgres_major" ] || die "apt knows no package postgresql"
}

# What Debian's package postgresql stands for.
release_postgres_major() {
	postgres_major=$(apt-cache depends postgresql 2>/dev/null |
		sed -n 's/^ *Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1) || true
}

# Installs the server, its headers, and other packages, those that are missing.
install_postgres() {
	find_postgres
	install_packages "postgresql-$postgres_major" "postgresql-server-dev-$postgres_major" "$@"
}

# Makes $work, a temporary folder that user postgres owns, and removes it.
make_work_dir() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/inference.XXXXXX")
	trap clean_up EXIT
	trap 'exit 130' INT TERM
	chmod 755 "$work"
}

clean_up() {
	local status=$?
	trap - EXIT
	if [ -n "${cluster:-}" ] && [ -f "$cluster/postmaster.pid" ]; then
		as_postgres "$pg_bin/pg_ctl" -D "$cluster" -m immediate stop >/dev/null 2>&1 || true
	fi
	[ -z "${provider_pid:-}" ] || kill "$provider_pid" 2>/dev/null || true
	[ -n "${KEEP_WORK:-}" ] || "${as_root[@]}" rm -rf "$work"
	exit "$status"
}

# PostgreSQL refuses to run as root.
as_postgres() {
	if [ "$(id -u)" -eq 0 ]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

# Copies the tree that is to be built, without what git ignores, to $1.
copy_sources() {
	mkdir -p "$1"
	if git -C "$root_dir" -c safe.directory='*' rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		(cd "$root_dir" && git -c safe.directory='*' ls-files -z -co --exclude-standard |
			tar --null --ignore-failed-read -cf - -T - 2>/dev/null) | tar -xf - -C "$1"
	else
		cp -a "$root_dir/." "$1"
	fi
}

# Makes a private PostgreSQL installation in $1; sets pg_bin.
copy_server() {
	local major=$postgres_major
	mkdir -p "$1/lib/postgresql" "$1/share/postgresql" "$1/include"
	cp -a "/usr/lib/postgresql/$major" "$1/lib/postgresql/$major"
	cp -a "/usr/share/postgresql/$major" "$1/share/postgresql/$major"
	ln -s /usr/include/postgresql "$1/include/postgresql"
	pg_bin=$1/lib/postgresql/$major/bin
}

# Gives a folder to the user that runs PostgreSQL.
give_to_postgres() {
	[ "$(id -u)" -ne 0 ] || chown -R postgres: "$1"
}

# Makes and starts a cluster in $1 that listens on a socket in $work only.
start_cluster() {
	cluster=$1
	as_postgres "$pg_bin/initdb" -D "$cluster" -U postgres -A trust -E UTF8 \
		--no-locale --no-sync >/dev/null
	cat >>"$cluster/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$work'
		fsync = off
		log_min_messages = warning
		log_line_prefix = '%m %p %q%d '
	CONF
	as_postgres env ${server_env[@]+"${server_env[@]}"} \
		"$pg_bin/pg_ctl" -D "$cluster" -w -t 120 -l "$cluster/log" start >/dev/null ||
		{ tail -n 30 "$cluster/log" >&2; die "PostgreSQL did not start"; }
	export PGHOST=$work PGUSER=postgres PGDATABASE=postgres
}

stop_cluster() {
	as_postgres "$pg_bin/pg_ctl" -D "$cluster" -m fast -w stop >/dev/null
	cluster=
}

# Starts the loopback provider; sets provider_pid and provider_url.
start_provider() {
	local port_file=$work/provider.port
	rm -f "$port_file"
	/usr/bin/python3 "$root_dir/test/mock/server.py" --port-file "$port_file" --parent-pid $$ \
		>/dev/null 2>"$work/provider.log" </dev/null &
	provider_pid=$!
	for _ in $(seq 200); do
		[ ! -s "$port_file" ] || break
		kill -0 "$provider_pid" 2>/dev/null || { cat "$work/provider.log" >&2; die "the test provider did not start"; }
		read -r -t 0.05 <> <(:) || true
	done
	provider_url=http://127.0.0.1:$(cat "$port_file")
}
