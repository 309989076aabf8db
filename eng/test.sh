#!/bin/bash
# Installs foreign tools that tests need and that are missing (eng/tools.sh), builds the solution in Release and runs every test.
# Prints each failing test with its message, then as the very last line "N passed, N failed" (", N skipped" when there are any).
# Exit code 0 only if the build succeeded, at least one test ran and none failed. Arguments are handed on to `dotnet test`,
# for example: bash eng/test.sh --filter FullyQualifiedName~Storage
set -u

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
cd "$root" || exit 1

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en MSBUILDDISABLENODEREUSE=1

results=$(mktemp -d "${TMPDIR:-/tmp}/streams-results-XXXXXX") || exit 1
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# dotnet wants a home it can write to; a bare container may have none.
if [ ! -w "${HOME:-/nonexistent}" ]; then
    export HOME="$results/home"
    mkdir -p "$HOME"
fi

give_up() {
    echo "$1"
    echo "0 passed, 1 failed"
    exit 1
}

# The name and the message of each failed test. One record per result element; attribute order is left open.
failures() {
    awk '
        function plain(text) {
            gsub(/&#xD;/, "", text); gsub(/&#xA;/, "\n", text); gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text)
            gsub(/&quot;/, "\"", text); gsub(/&apos;/, "\047", text); gsub(/&amp;/, "\\&", text)
            return text
        }
        function between(text, from, to,    at) {
            at = index(text, from)
            if (at == 0) return ""
            text = substr(text, at + length(from))
            at = index(text, to)
            return at == 0 ? text : substr(text, 1, at - 1)
        }
        BEGIN { RS = "<UnitTestResult " }
        NR > 1 {
            head = substr($0, 1, index($0, ">"))
            if (head !~ /outcome="(Failed|Error|Timeout|Aborted)"/) next
            print "FAILED " plain(between(" " head, " testName=\"", "\""))
            message = plain(between($0, "<Message>", "</Message>"))
            stack = plain(between($0, "<StackTrace>", "</StackTrace>"))
            print message
            # The innermost frames lead to the assertion; the rest is machinery.
            frames = split(stack, frame, "\n")
            for (at = 1; at <= frames && at <= 12; at++) print frame[at]
            print ""
        }' "$@"
}

# "total executed passed" over all files. A skipped test counts into the total only.
totals() {
    awk '
        function attribute(text, name) {
            if (!match(text, " " name "=\"[0-9]+\"")) return 0
            text = substr(text, RSTART, RLENGTH)
            gsub(/[^0-9]/, "", text)
            return text + 0
        }
        BEGIN { RS = "<" }
        /^Counters / { total += attribute($0, "total"); executed += attribute($0, "executed"); passed += attribute($0, "passed") }
        END { print total + 0, executed + 0, passed + 0 }' "$@"
}

command -v dotnet >/dev/null || give_up "The .NET SDK (see global.json) is not installed."

# Daemons live in sbin, which is not on every user's path.
export PATH="$PATH:/usr/sbin:/usr/local/sbin"
bash "$root/eng/tools.sh" </dev/null

dotnet build Streams.sln -c Release -v q --nologo </dev/null || give_up "The build failed."

# Projects that start servers of their own, or load the machine, would starve each other on a small one: one at a time. All others go
# beside them, one at a time as well. The two lines take about as long.
alone=" Streams.EndToEnd.Tests Streams.Faults Streams.Server.Tests Streams.Simulation "

run() {
    dotnet test "$1" -c Release --no-build --nologo -v q \
        --logger "trx;LogFilePrefix=streams" --results-directory "$results/$(basename "$1" .csproj)" \
        --blame-hang-timeout 5m --blame-hang-dump-type none "${@:2}" \
        -- RunConfiguration.MaxCpuCount=1 </dev/null || touch "$results/ended-badly"
}

for project in tests/*/*.csproj; do
    name=$(basename "$project" .csproj)
    [[ "$name" == Streams.Testing || "$alone" == *" $name "* ]] || run "$project" "$@"
done &
for project in tests/*/*.csproj; do
    name=$(basename "$project" .csproj)
    [[ "$alone" == *" $name "* ]] && run "$project" "$@"
done
wait
status=0
[ ! -e "$results/ended-badly" ] || status=1

shopt -s nullglob globstar
trx=("$results"/**/*.trx)
if [ ${#trx[@]} = 0 ]; then
    give_up "No test ran."
fi

read -r total executed passed < <(totals "${trx[@]}")
failed=$((executed - passed))
skipped=$((total - executed))

echo
failures "${trx[@]}"
if [ "$executed" = 0 ]; then
    give_up "No test ran."
fi

# A test process that died leaves no failing result behind: it still is a failure.
if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
    echo "A test run ended abnormally (exit code $status); see above."
    failed=1
fi

line="$passed passed, $failed failed"
if [ "$skipped" -gt 0 ]; then
    line="$line, $skipped skipped"
fi

echo "$line"
[ "$failed" = 0 ]
