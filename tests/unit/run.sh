#!/bin/bash
# Run the unit test programs given; print what failed, and a count at the end.
set -u
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
# Pools are released by the process's end; what they hold is no leak.
export ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}"
passed=0 failed=0 skipped=0 broken=()
for program in "$@"; do
    name=${program##*/}
    out=$(CMOCKA_MESSAGE_OUTPUT=STDOUT timeout 120 "$program" 2>&1)
    rc=$?
    ok=$(grep -c '^\[       OK \]' <<<"$out")
    skip=$(grep -c '^\[  SKIPPED \] [^0-9]' <<<"$out")
    bad=$(grep -c '^\[  FAILED  \] [^0-9]' <<<"$out")
    # A program that dies, or that fails without naming a test, is a failure.
    if [ "$rc" -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1
    fi
    if [ "$bad" -ne 0 ]; then
        printf '%s\n' "$out"
        broken+=("$name (exit code $rc)")
    fi
    printf '%-32s %3d passed %3d failed %3d skipped\n' \
        "$name" "$ok" "$bad" "$skip"
    passed=$((passed + ok)) failed=$((failed + bad))
    skipped=$((skipped + skip))
done
if [ "${#broken[@]}" -gt 0 ]; then
    printf 'failed: %s\n' "${broken[@]}"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
