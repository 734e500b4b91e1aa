#!/usr/bin/env bash
# Hours of everything that looks for faults, on fresh seeds: scripts/nightly.sh [HOURS, 8 if left out].
# One part after the other. Nothing that fails ends the night: a part goes on with the next seed until its time is up, or it has
# failed five times. What failed stays in nightly/ until the next night, and is told at the end with the lines that replay it;
# then the exit code is 1. What held leaves its tables, rates and counts in nightly/summary, night after night, with date and commit.
# Chaos makes passes until its time is up; if that is an hour or more, with --strict: every cell of its table must be seen.
set -u
cd "$(dirname "$0")/.."
minutes=$((${1:-8} * 60))
mkdir -p nightly && rm -f nightly/*.txt
first=$(date +%s)
failed=() skipped=()
gist() { # name, what it said: what it came to
  case $1 in
    sim | chaos) sed -n '/^fault  /,$p' "$2" ;;
    storage) grep -E 'crash images |flipped bits in|^  .* told, ' "$2" ;;
    fuzz) grep ' inputs, .* accepted' "$2" ;;
    laws) grep -E ' worlds$|^refusals|^pairs' "$2" ;;
    *) tail -n 3 "$2" ;;
  esac
}
# name, share of the time in percent, command with @seed, @left (minutes) and @strict (in an hour or more) in it, no word with a
# space; share 0: once
part() {
  local name=$1 until=$((SECONDS + minutes * 60 * $2 / 100)) rounds=0 bad=0 seed left strict round code said
  shift 2
  echo "== $name: $*"
  while [ "$bad" -lt 5 ] && { [ "$rounds" -eq 0 ] || [ "$SECONDS" -lt "$until" ]; }; do
    seed=$((first + 1000000 * rounds)) rounds=$((rounds + 1)) said=nightly/$name-$rounds.txt
    left=$(((until - SECONDS + 59) / 60)) strict=
    [ "$left" -lt 60 ] || strict=--strict
    round=${*//@seed/$seed} round=${round//@left/$left} round=${round//@strict/$strict}
    # What hangs is ended, long after it should have ended by itself.
    timeout --kill-after=60 $((minutes * 60 + 3600)) $round >"$said" 2>&1
    code=$?
    case $code in
      0)
        { echo "== $(date '+%F %T') $(git rev-parse --short HEAD): $round" && gist "$name" "$said"; } >>nightly/summary
        rm "$said"
        ;;
      77) skipped+=("$name: $(tail -n 1 "$said")"); break ;;
      *) failed+=("$said $round"); bad=$((bad + 1)); echo "== $name: FAILED with $code, see $said" ;;
    esac
  done
  echo "== $name: $rounds rounds, $bad failed"
}
cargo build --release -p node -p tests || exit 1
part sim 35 cargo run --release -p tests -- sim --seed @seed --seeds 100000000 --minutes $((minutes * 35 / 100)) --go-on --shrink --strict
part chaos 25 scripts/chaos.sh @seed --minutes @left @strict
part power 10 scripts/power.sh @seed 30
# The rig must see what a disk loses that only says that it has synced.
part power-lie 0 scripts/power.sh @seed 5 --lie
part storage 10 env GONGJI_TEST_SEED=@seed GONGJI_TEST_IMAGES=20000 GONGJI_TEST_FLIPS=20000 \
  cargo test --release -p tests --test storage --no-fail-fast -- --nocapture
part fuzz 10 env FUZZ_SEED=@seed FUZZ_TIMES=50 cargo test --release --workspace --no-fail-fast fuzz_ -- --nocapture
part laws 0 env LAWS_SEED=@seed LAWS_TRANSACTIONS=10000000 cargo test --release -p ledger --test laws -- --ignored --nocapture long
part year 0 cargo run --release -- year --scale 4
part mutants 0 cargo run --release -p tests -- mutants
for what in "${skipped[@]}"; do echo "$what"; done
for one in "${failed[@]}"; do
  echo "failed: ${one%% *}, the whole of it again: ${one#* }"
  # What begins says how to replay it, too: passes of chaos, fuzzed formats.
  grep -h "replay:" "${one%% *}" | grep -vE "^(fuzz [a-z-]*: )?seed " | sort -u | head -n 10
done
echo "${#failed[@]} failed"
[ "${#failed[@]}" -eq 0 ]
