#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Golden tests of setkey: no kernel, no root. Each file cases/NAME.t is one
# case, in sections that begin with a line "--- WORD":
#
#   args     the command line; @IN is the file made from the next section
#   env      NAME=VALUE
#   in       the script, also on standard input
#   hex      or: bytes of a file, # begins a comment
#   replies  what a stand-in for the kernel answers, see fake_kernel.c
#   out      standard output, exactly
#   err      standard error, exactly; absent: nothing
#   sent     lengths of the messages that reached the stand-in
#   status   exit status; absent: 0
#
# usage: run.sh [NAME ...]
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools=$here/../../tools
setkey=${SETKEY:-$tools/setkey/setkey}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

export TZ=UTC LC_ALL=C SOURCE_DATE_EPOCH=1700000000
unset POSIXLY_CORRECT

[ -x "$setkey" ] || { echo "no $setkey: make -C tools first" >&2; exit 1; }
${CC:-cc} -shared -fPIC -O2 -Wall -Wextra -o "$tmp/fake_kernel.so" \
	"$here/fake_kernel.c" || exit 1

# Cut a case into one file a section.
split() {
	rm -rf "$tmp/case"
	mkdir "$tmp/case"
	awk -v dir="$tmp/case" '
		/^--- / { file = dir "/" $2; printf "" > file; next }
		file { print > file }' "$1"
}

# Hexadecimal text to bytes.
unhex() {
	local digits
	digits=$(sed 's/#.*//' "$1" | tr -d ' \t\n')
	printf "$(printf %s "$digits" | sed 's/../\\x&/g')"
}

# Compare a section with what came out; say how they differ.
same() {
	local name=$1 want=$tmp/case/$2 got=$3
	[ -f "$want" ] || : > "$want"
	cmp -s "$want" "$got" && return 0
	diff -u --label "$name: $2 wanted" --label "$name: $2 found" \
		"$want" "$got"
	return 1
}

run_case() {
	local name args preload= status want=0 bad=0 env=TZ
	name=$(basename "$1" .t)
	split "$1"
	: > "$tmp/input"
	[ -f "$tmp/case/in" ] && cp "$tmp/case/in" "$tmp/input"
	[ -f "$tmp/case/hex" ] && unhex "$tmp/case/hex" > "$tmp/input"
	if [ ! -f "$tmp/case/args" ] ||
	   { [ ! -f "$tmp/case/out" ] && [ ! -f "$tmp/case/err" ]; }; then
		echo "not ok $name (case is incomplete)"
		return 1
	fi
	args=$(sed 's/@IN/input/g' "$tmp/case/args")
	: > "$tmp/replies"
	: > "$tmp/sent"
	if [ -f "$tmp/case/replies" ]; then
		sed 's/#.*//' "$tmp/case/replies" > "$tmp/replies"
	fi
	# without replies any use of the socket ends in a failure
	preload=$tmp/fake_kernel.so
	[ -f "$tmp/case/env" ] && env=$(cat "$tmp/case/env")
	(cd "$tmp" && export $env && FAKE_REPLIES=$tmp/replies FAKE_SENT=$tmp/sent \
		LD_PRELOAD=$preload eval "timeout 10 \"$setkey\" $args" \
		< input > stdout 2> stderr)
	status=$?
	[ -f "$tmp/case/status" ] && want=$(cat "$tmp/case/status")
	same "$name" out "$tmp/stdout" || bad=1
	same "$name" err "$tmp/stderr" || bad=1
	same "$name" sent "$tmp/sent" || bad=1
	if [ "$status" != "$want" ]; then
		echo "$name: exit status $status, wanted $want"
		bad=1
	fi
	[ $bad = 0 ] && echo "ok $name" || echo "not ok $name"
	return $bad
}

passed=0
failed=0
if [ $# -gt 0 ]; then
	list=("${@/#/$here/cases/}")
	list=("${list[@]/%/.t}")
else
	list=("$here"/cases/*.t)
fi
for c in "${list[@]}"; do
	if run_case "$c"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
