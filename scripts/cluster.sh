#!/bin/sh
# Three real nodes on this machine, for trying things by hand.
#   scripts/cluster.sh start         starts three nodes; forms the cluster the first time
#   scripts/cluster.sh status        shows them
#   scripts/cluster.sh kill N        kills node N (1, 2 or 3) hard, with kill -9; `start` brings it back
#   scripts/cluster.sh stop          stops them; their data stays
#   scripts/cluster.sh clean         stops them and deletes their data
# GONGJI: the program (default: target/release/gongji, built when missing). DIR: the data (default: /tmp/gongji-cluster).
set -eu
cd "$(dirname "$0")/.."
GONGJI=${GONGJI:-target/release/gongji}
DIR=${DIR:-/tmp/gongji-cluster}
[ -x "$GONGJI" ] || cargo build --release

node() { case $1 in 1) echo 11000001 ;; 2) echo 32000001 ;; 3) echo 41000001 ;; *) echo "no node $1: 1, 2 or 3" >&2; exit 2 ;; esac; }
peer() { echo "127.0.0.1:$((7700 + 10 * $1))"; }
api() { echo "127.0.0.1:$((7701 + 10 * $1))"; }
alive() { [ -f "$DIR/$1.pid" ] && kill -0 "$(cat "$DIR/$1.pid")" 2>/dev/null; }
ADDR="$(api 1),$(api 2),$(api 3)"

start_node() {
    alive "$1" && return
    "$GONGJI" start --node "$(node "$1")" --data-dir "$DIR/$1" --listen-peer "$(peer "$1")" --listen-api "$(api "$1")" \
        --raft-heartbeat 250ms --raft-election 1s >"$DIR/$1.out" 2>>"$DIR/$1.log" </dev/null &
    echo $! >"$DIR/$1.pid"
    for _ in $(seq 100); do
        grep -qs '^ready' "$DIR/$1.out" && { cat "$DIR/$1.out"; return; }
        alive "$1" || break
        sleep 0.1
    done
    echo "node $1 did not start; the end of $DIR/$1.log:" >&2
    tail -n 5 "$DIR/$1.log" >&2
    exit 1
}

stop_node() { if alive "$1"; then kill "-$2" "$(cat "$DIR/$1.pid")"; fi; }

case ${1:-} in
start)
    mkdir -p "$DIR"
    for n in 1 2 3; do start_node $n; done
    if [ ! -f "$DIR/formed" ]; then
        "$GONGJI" cluster init --addr "$(api 1)" \
            --voter "$(node 1)=$(peer 1),$(api 1)" --voter "$(node 2)=$(peer 2),$(api 2)" --voter "$(node 3)=$(peer 3),$(api 3)"
        touch "$DIR/formed"
    fi
    echo "try: $GONGJI status --addr $ADDR" ;;
status) "$GONGJI" status --addr "$ADDR" ;;
kill) node "${2:-}" >/dev/null; stop_node "$2" KILL; echo "node $2 is killed; scripts/cluster.sh start brings it back" ;;
stop | clean)
    for n in 1 2 3; do stop_node $n TERM; done
    for n in 1 2 3; do while alive $n; do sleep 0.1; done; done
    if [ "$1" = clean ]; then rm -rf "$DIR"; fi ;;
*) sed -n '2,8p' "$0" | cut -c3-; exit 2 ;;
esac
