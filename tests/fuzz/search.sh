#!/bin/bash
# Search for inputs that break a fuzz target: search.sh SECONDS PROGRAM...
# New inputs stay in the build folder; what breaks a target is named.
set -u
here=$(dirname "$0")
seconds=$1
shift
failed=0
for program in "$@"; do
    what=${program##*/fuzz_}
    new="$(dirname "$program")/found_$what"
    mkdir -p "$new"
    echo "fuzz_$what: $seconds seconds"
    ASAN_OPTIONS=detect_leaks=0 "$program" -max_total_time="$seconds" \
        -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$new/crash-" "$new" "$here/corpus/$what" \
        >"$new.log" 2>&1 || { failed=1; tail -40 "$new.log"; }
    grep -E 'stat::number_of_executed|stat::average_exec' "$new.log"
done
exit $failed
