# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
#
# What the scripts share: messages, the lists of Debian packages, building a preset. Source it; it prints nothing and
# changes nothing by itself. Packages are installed only when one is missing, so that a prepared machine needs neither
# root nor a network. To need another package: add it to a list here, and the Dockerfile if the server needs it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# An entry is a package, or command:package where any provider of the command will do.
build_packages=(
	gcc libc6-dev cmake ninja-build pkg-config curl:curl jq:jq ca-certificates
	libulfius-dev liborcania-dev libyder-dev libmicrohttpd-dev libjansson-dev libjwt-dev libpq-dev
	libsodium-dev libssl-dev libyaml-dev libcurl4-gnutls-dev libcmocka-dev john-data
	libpsl-dev libidn2-dev libunistring-dev publicsuffix
)
database_packages=(postgresql-common postgresql-15 postgresql-client-15)
test_packages=(
	clang clang-format clang-tidy libclang-rt-14-dev shellcheck ccache git:git procps
	python3 python3-pytest python3-pytest-xdist python3-hypothesis python3-jsonschema python3-fastjsonschema python3-psycopg2 python3-requests python3-yaml python3-aiosmtpd
	node:nodejs npm:npm
)
bench_packages=(wrk python3 python3-psycopg2)
image_packages=(buildah debootstrap)

say() { printf '%s\n' "$*" >&2; }

die() {
	say "${0##*/}: $*"
	exit 1
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root and there is no sudo: $*"
	fi
}

is_installed() {
	case $1 in
	*:*) command -v "${1%%:*}" >/dev/null ;;
	*) [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
	esac
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2
}

# Debian's PostgreSQL makes and starts a cluster when it is first installed. Nobody asked for that one: the choice is
# set to no while we install and put back as it was, whatever happens.
install_postgresql() (
	conf=/etc/postgresql-common/createcluster.conf
	apt_install postgresql-common
	as_root cp -p "$conf" "$conf.partnerd"
	trap 'as_root mv "$conf.partnerd" "$conf"' EXIT
	as_root sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' "$conf"
	apt_install "$@"
)

install_packages() {
	local entry missing=()
	for entry in "$@"; do
		is_installed "$entry" || missing+=("${entry##*:}")
	done
	[ "${#missing[@]}" -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "missing and not on Debian: ${missing[*]}"
	say "Installing: ${missing[*]}"
	as_root apt-get update -q >&2 || die "apt-get update failed; is there a network?"
	if [[ " ${missing[*]} " == *" postgresql-15 "* ]]; then
		install_postgresql "${missing[@]}" || die "apt-get install failed"
	else
		apt_install "${missing[@]}" || die "apt-get install failed"
	fi
}

# Commands of PostgreSQL 15 that Debian keeps out of PATH.
postgresql_bin() {
	local folder=/usr/lib/postgresql/15/bin
	[ -x "$folder/postgres" ] || die "PostgreSQL 15 is not installed in $folder"
	printf '%s\n' "$folder"
}

jobs_count() { printf '%s\n' "${PARTNERD_JOBS:-$(nproc)}"; }

# Where a preset is built: build/PRESET, or beneath another folder that PARTNERD_BUILD_ROOT names.
preset_dir() { printf '%s\n' "${PARTNERD_BUILD_ROOT:-$root/build}/$1"; }

configure_preset() {
	local folder launcher=
	folder=$(preset_dir "$1")
	command -v ccache >/dev/null && launcher=ccache
	mkdir -p "$folder"
	[ -w "$folder" ] || die "cannot write to $folder: it belongs to $(stat -c %U "$folder")"
	(cd "$root" && cmake --preset "$1" -B "$folder" -DCMAKE_C_COMPILER_LAUNCHER="$launcher" \
		--log-level=WARNING >&2)
}

# build_preset PRESET [TARGET…]
build_preset() {
	local preset=$1
	shift
	configure_preset "$preset" || return 1
	cmake --build "$(preset_dir "$preset")" -j "$(jobs_count)" ${1:+--target "$@"} >&2
}
