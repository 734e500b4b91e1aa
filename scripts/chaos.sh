#!/usr/bin/env bash
# Real processes under every fault, drawn from a seed: scripts/chaos.sh [SEED] [--minutes M]
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet -p node -p tests
export GONGJI_TEST_BIN=${GONGJI_TEST_BIN:-$PWD/target/release/gongji}
run=(target/release/tests chaos "$@")
# Mounts of its own: they end with it, however it ends.
if unshare --mount true 2>/dev/null; then exec unshare --mount "${run[@]}"; fi
exec "${run[@]}"
