#!/bin/bash
# Run each fuzz target given over its whole corpus.
set -u
here=$(dirname "$0")
export ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}"
passed=0 failed=0
for program in "$@"; do
    what=${program##*/fuzz_}
    inputs=("$here/corpus/$what"/*)
    if [ ! -e "${inputs[0]}" ]; then
        echo "fuzz_$what: no inputs in $here/corpus/$what"
        failed=$((failed + 1))
    elif timeout 120 "$program" "${inputs[@]}" >/dev/null; then
        passed=$((passed + ${#inputs[@]}))
        printf '%-32s %4d inputs\n' "fuzz_$what" "${#inputs[@]}"
    else
        # Say which one.
        for input in "${inputs[@]}"; do
            timeout 20 "$program" "$input" >/dev/null 2>&1 ||
                echo "fuzz_$what fails on $input"
        done
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
