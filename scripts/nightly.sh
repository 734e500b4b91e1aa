#!/usr/bin/env bash
# Hours of everything that looks for faults, on fresh seeds: scripts/nightly.sh [HOURS, 8 if left out].
# What fails is made smaller and stays in nightly/, with the line that replays it. Exit code 1 if anything failed.
set -u
cd "$(dirname "$0")/.."
hours=${1:-8}
minutes=$((hours * 60))
mkdir -p nightly
failed=0
part() { # name, command...
  local name=$1 start=$SECONDS; shift
  echo "== $name: $*"
  if "$@" >"nightly/$name.txt" 2>&1; then echo "== $name: passed in $((SECONDS - start)) s"
  else failed=$((failed + 1)); echo "== $name: FAILED, see nightly/$name.txt"; grep -h "replay:" "nightly/$name.txt" | sort -u | head; fi
}
cargo build --release -p node -p tests || exit 1
seed=$(date +%s)
echo "seeds from $seed"
part sim ./target/release/tests sim --seed "$seed" --seeds 100000000 --minutes $((minutes / 2)) --go-on --shrink --strict
part chaos scripts/chaos.sh "$seed" --minutes $((minutes / 4))
part power scripts/power.sh "$seed"
part laws env LAWS_SEED="$seed" LAWS_TRANSACTIONS=10000000 cargo test --release -p ledger --test laws -- --ignored --nocapture long
part year cargo run --release -- year --scale 4
part mutants ./target/release/tests mutants
echo "$failed failed"
[ "$failed" -eq 0 ]
