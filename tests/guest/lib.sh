# SPDX-License-Identifier: GPL-2.0-only
# Shell functions shared by the guest scripts; sourced, never run.

# Everything that is downloaded or built for the guests lives here, outside
# the tree, so that a fresh clone finds it again.
CACHE=${IPSEC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ipsec.ko}

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# step TEXT COMMAND...: run COMMAND with its output in a log, print TEXT and
# the time it took; on failure show the end of the log. A function would run on
# after a command in it failed: what has several is a script of its own.
step() {
	local text=$1 log start
	shift
	log=$(mktemp)
	start=$SECONDS
	printf '  %-58s ' "$text" >&2
	if "$@" >"$log" 2>&1; then
		printf '%4d s\n' $((SECONDS - start)) >&2
		rm -f "$log"
	else
		printf 'failed\n' >&2
		tail -n 40 "$log" >&2
		rm -f "$log"
		return 1
	fi
}

# locked NAME: one at a time from here to the end of this script, so that two
# trees, or two guests, do not make the same thing at once.
locked() {
	mkdir -p "$CACHE"
	exec 8>"$CACHE/lock-$1"
	flock 8
}

# missing_packages PACKAGE...: those of them that are not installed.
missing_packages() {
	local p

	for p; do
		dpkg-query -W -f='${Status}' "$p" 2>/dev/null |
			grep -q 'ok installed' || echo "$p"
	done
}

# Run by one script at a time: apt-get does not wait for another one's lists.
install_packages() {
	step "apt-get update" apt-get update -q || return 1
	step "installing $# packages ($1, ...)" \
		env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
		apt-get install -y -q --no-install-recommends "$@"
}

# ensure_packages PACKAGE...: install what is missing, with one apt call. Under
# run level 1 no package starts its daemon.
ensure_packages() {
	local missing

	missing=$(missing_packages "$@" | paste -sd" ")
	[ -n "$missing" ] || return 0
	[ "$(id -u)" = 0 ] ||
		die "not installed: $missing (run as root, or: apt-get install $missing)"
	command -v apt-get >/dev/null ||
		die "needs the Debian packages $missing, and there is no apt-get"
	mkdir -p "$CACHE"
	(
		flock 7
		# Whoever had the lock may have installed them.
		missing=$(missing_packages "$@" | paste -sd" ")
		[ -z "$missing" ] || install_packages $missing 7>&-
	) 7>"$CACHE/lock-apt"
}

# Paths on standard input, and all their parent directories: the kernel makes no
# directory that an archive does not name.
with_parents() {
	awk -F/ '{ p = $1; if (p != "") print p
		for (i = 2; i <= NF; i++) { p = p "/" $i; print p } }' | sort -u
}

# in_root ROOT DIRECTORY COMMAND...: run it in a root of packages that were unpacked, with
# the directory as /src.
in_root() {
	local unshare=(unshare -m)

	[ "$(id -u)" = 0 ] || unshare=(unshare -Urm)
	"${unshare[@]}" sh -c '
		root=$1
		mount --bind "$2" "$root/src" &&
		mount --rbind /proc "$root/proc" &&
		mount --bind /dev/null "$root/dev/null" || exit
		shift 2
		exec chroot "$root" "$@"' in_root "$@"
}
