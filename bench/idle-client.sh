#!/bin/bash
# What a client takes that does nothing: samples/QuickStart, published trimmed and self-contained, without a cluster to go to. Prints the
# size of what was published and the resident memory of the process after a while.
# usage: bash bench/idle-client.sh [SECONDS]
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
rid=${RID:-linux-x64}

dotnet publish "$root/samples/QuickStart" -c Release -r "$rid" --self-contained -p:PublishTrimmed=true \
    --artifacts-path "$work/artifacts" -o "$work/out" -v q --nologo -clp:ErrorsOnly || exit 1
TMPDIR="$work" "$work/out/QuickStart" nobody=127.0.0.1:9 >"$work/log" 2>&1 &
process=$!
sleep "${1:-10}"
if ! kill -0 "$process" 2>/dev/null; then
    cat "$work/log"
    exit 1
fi

memory=$(awk '/^VmRSS:/ { print $2 }' "/proc/$process/status")
kill "$process"
echo "published: $(du -sm --apparent-size "$work/out" | cut -f1) MB in $(find "$work/out" -type f | wc -l) files"
echo "resident: $((memory / 1024)) MB after ${1:-10} s with ten events in the outbox"
