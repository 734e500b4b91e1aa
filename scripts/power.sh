#!/usr/bin/env bash
# Power cuts of a real node on a disk of its own: scripts/power.sh [SEED [CUTS [more, as --lie]]]. Ends with 77 when it cannot be tried here.
set -eu
cd "$(dirname "$0")/.."
seed=${1:-$(date +%s%N)}
cuts=${2:-5}
if [ "$#" -gt 2 ]; then shift 2; else shift "$#"; fi
cargo build --release --quiet -p node -p tests
exec env GONGJI_TEST_BIN="${GONGJI_TEST_BIN:-target/release/gongji}" target/release/tests power --seed "$seed" --cuts "$cuts" "$@"
