#!/bin/bash
# Build, run every test tier, and say how it went.
#
#   SKIP="module system"    tiers to leave out
#   TIERS="lint cli"        only these
#   LANES=2                 how many tiers at a time
#
# The last line is "N passed, N failed, N skipped" over all tiers.
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
export BUILD
MAKE=${MAKE:-make}
jobs=$(nproc)
lanes=${LANES:-2}
logs=$BUILD/check
mkdir -p "$logs"
summary=() passed=0 failed=0 skipped=0

line() {
    summary+=("$(printf '%-14s %5s passed %4s failed %4s skipped %5s s   %s' "$@")")
}

wanted() {
    local tier
    for tier in ${SKIP:-}; do
        if [ "$tier" = "$1" ]; then
            line "$1" - - - - "left out by SKIP"
            return 1
        fi
    done
    [ -z "${TIERS:-}" ] || [[ " $TIERS " == *" $1 "* ]]
}

# count FILE: "passed failed skipped" of a tier's log. pytest and our own
# runners end with a line of that kind.
count() {
    awk '
        / (passed|failed|skipped|errors?)[ ,]/ || / (passed|failed|skipped|errors?)$/ {
            if ($0 !~ /[0-9]+ (passed|failed|skipped|error)/) next
            p = f = s = 0
            n = split($0, w, /[ ,]+/)
            for (i = 2; i <= n; i++) {
                if (w[i] == "passed") p = w[i - 1]
                if (w[i] == "failed" || w[i] ~ /^errors?$/) f += w[i - 1]
                if (w[i] == "skipped") s = w[i - 1]
            }
        }
        END { print p + 0, f + 0, s + 0 }' "$1"
}

# start TIER COMMAND...: log; its end is left in a file.
start() {
    local tier=$1 began=$SECONDS
    shift
    echo "== $tier: $*"
    rm -f "$logs/$tier.end"
    "$@" >"$logs/$tier.log" 2>&1
    echo "$? $((SECONDS - began))" >"$logs/$tier.end"
}

# ended TIER: count, remember.
ended() {
    local tier=$1 log=$logs/$1.log rc=1 took=0 p f s note=
    read -r rc took <"$logs/$tier.end"
    read -r p f s < <(count "$log")
    if [ "$rc" -ne 0 ]; then
        [ "$f" -gt 0 ] || f=1
        note="see $log"
        echo "== $tier failed:"
        tail -n 60 "$log"
    fi
    grep -hE '^SKIPPED ' "$log" | sed 's/^/   /'
    line "$tier" "$p" "$f" "$s" "$took" "$note"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# run TIER COMMAND...: alone, to its end.
run() {
    wanted "$1" || return 0
    start "$@"
    ended "$1"
}

# skip TIER REASON
skip() {
    wanted "$1" || return 0
    line "$1" 0 0 1 0 "$2"
    skipped=$((skipped + 1))
}

finish() {
    echo
    printf '%s\n' "${summary[@]}"
    echo
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit
}

began=$SECONDS
echo "== build"
if ! "$MAKE" -s -j"$jobs" WERROR=1 all test-programs \
    >"$logs/build.log" 2>&1; then
    tail -n 60 "$logs/build.log"
    failed=1
    line build 0 1 0 $((SECONDS - began)) "see $logs/build.log"
    finish
fi
line build 0 0 0 $((SECONDS - began)) ""

python=${PYTHON3:-/usr/bin/python3}
pytest=
if ! $python -c 'import pytest, xdist' 2>/dev/null; then
    pytest="$python has no pytest or no pytest-xdist (tests/install-deps.sh)"
fi
cmocka=
if ! echo '#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>' | ${CC:-cc} -E - >/dev/null 2>&1; then
    cmocka="cmocka is not installed (tests/install-deps.sh)"
fi

if [ "$cmocka" ]; then
    skip unit "$cmocka"
    skip unit-san "$cmocka"
else
    run unit "$MAKE" -s -j"$jobs" WERROR=1 unit
    run unit-san "$MAKE" -s -j"$jobs" SAN=1 BUILD="$BUILD/san" unit
fi
run fuzz-replay "$MAKE" -s -j"$jobs" SAN=1 BUILD="$BUILD/san" fuzz-replay

# Several tiers at a time, for each waits a good part of its own, for servers
# and machines that start and stop; those that take longest first.
tiers=(packages module system layouts service crash)
for dir in tests/*/; do
    tier=$(basename "$dir")
    compgen -G "$dir/test_*.py" >/dev/null || continue
    case " ${tiers[*]} " in
    *" $tier "*) ;;
    *) tiers+=("$tier") ;;
    esac
done
# Each in a process group of its own, or it would start with SIGINT ignored;
# so Ctrl-C has to be passed on.
interrupted() {
    local group
    for group in $(jobs -p); do
        kill -INT -- "-$group" 2>/dev/null
    done
    wait
    exit 130
}
set -m
trap interrupted INT TERM
running=() begun=0
for tier in "${tiers[@]}"; do
    if [ "$pytest" ]; then
        skip "$tier" "$pytest"
    elif wanted "$tier"; then
        [ $((begun++)) -lt "$lanes" ] || wait -n
        start "$tier" "$MAKE" -s "check-$tier" &
        running+=("$tier")
    fi
done
wait
for tier in "${running[@]}"; do
    ended "$tier"
done
finish
