//! Whatever an operator gets wrong: a clear error with its place and the next command, the promised exit code, and
//! nothing lost.

use client::RequestId;
use client::v1::{self, InitRequest};
use serde_json::Value;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;
use tests::bench::{run, wait_for};
use tests::cluster::{CALM_MAX, Cluster, Options};
use tests::program::{self, Ended, Ran};
use tests::traffic::Pace;
use tests::trial::Trial;
use tests::world::PLACES;

/// The end must be told as promised: what, where, what next; and nothing of our insides.
#[track_caller]
fn clear(code: Option<i32>, stderr: &str, wanted: i32, words: &[&str]) {
    assert_eq!(code, Some(wanted), "{stderr}");
    let told = stderr.split("error: ").nth(1).unwrap_or_else(|| panic!("no error is told: {stderr:?}"));
    for word in words {
        assert!(told.contains(word), "{word:?} is missing in:\n{stderr}");
    }
    assert!(told.contains("\n  try: "), "no next command in:\n{stderr}");
    assert!(!stderr.contains("panicked") && !stderr.contains("RUST_BACKTRACE"), "{stderr}");
}

#[track_caller]
fn told(ended: &Ended, wanted: i32, words: &[&str]) {
    clear(ended.code, &ended.stderr, wanted, words);
}

fn start(data: &Path, more: &[&str]) -> Ran {
    let data = data.display().to_string();
    let mut arguments = vec!["start", "--stop-with-stdin", "--data-dir", &data];
    arguments.extend(["--listen-peer", "127.0.0.1:0", "--listen-api", "127.0.0.1:0"]);
    arguments.extend(more);
    program::run(arguments, b"")
}

#[test]
fn wrong_settings_name_their_place_and_the_right_ones() {
    run("bad_start", "wrong_settings_name_their_place_and_the_right_ones", async |_| {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let file = folder.path().join("node.toml");
        let path = file.display().to_string();
        let cases = [
            (
                "province = 32\n\n[raft]\nhearbeat = \"100ms\"\n",
                &["line 4", "raft.hearbeat", "raft.heartbeat"][..],
            ),
            ("provinse = 32\n", &["line 1", "provinse", "province"]),
            ("province = 32\n[raft]\nelection = \"soon\"\n", &["line 3", "raft.election", "soon"]),
            ("province = 99\n", &["line 1", "99"]),
            ("province = 32\n[raft\n", &["line 2"]),
            ("province = 32\n[raft]\nheartbeat = \"2s\"\nelection = \"3s\"\n", &["raft.election", "twice"]),
        ];
        for (text, words) in cases {
            std::fs::write(&file, text).expect("written");
            let ran = start(&data, &["--config", &path]);
            clear(ran.code, &ran.stderr, 2, words);
            assert!(ran.stderr.contains(&path), "the file is not named:\n{}", ran.stderr);
            assert!(!data.exists(), "a directory was made for wrong settings");
        }
        let ran = start(&data, &["--province", "32", "--raft-election", "x"]);
        clear(ran.code, &ran.stderr, 2, &["raft.election", "--raft-election"]);
        let ran = start(&data, &["--config", "/nowhere/node.toml"]);
        clear(ran.code, &ran.stderr, 2, &["/nowhere/node.toml"]);
        let ran = start(&data, &[]);
        clear(ran.code, &ran.stderr, 2, &["province"]);
        let ran = start(&data, &["--provinse", "32"]);
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(ran.stderr.contains("--province"), "the right flag is not named:\n{}", ran.stderr);
        let ran = program::run(["start", "--province", "32"], b"");
        clear(ran.code, &ran.stderr, 2, &["data_dir", "--data-dir"]);
    });
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    run("bad_start", "a_directory_that_cannot_be_used_is_named", async |_| {
        let folder = tempfile::tempdir().expect("a folder");
        // Root may write to what is read-only; these even root cannot use.
        let file = folder.path().join("file");
        std::fs::write(&file, b"somebody's").expect("written");
        for place in [file.clone(), file.join("below"), Path::new("/proc/gongji").to_path_buf()] {
            let ran = start(&place, &["--province", "32"]);
            clear(ran.code, &ran.stderr, 10, &[&place.display().to_string()]);
        }
        assert_eq!(std::fs::read(&file).expect("still there"), b"somebody's");
        // A folder with something else in it is not taken over.
        let foreign = folder.path().join("foreign");
        std::fs::create_dir(&foreign).expect("made");
        std::fs::write(foreign.join("thesis.txt"), b"years of work").expect("written");
        let ran = start(&foreign, &["--province", "32"]);
        clear(ran.code, &ran.stderr, 9, &[&foreign.display().to_string()]);
        assert_eq!(std::fs::read_dir(&foreign).expect("still there").count(), 1, "something was left there");
    });
}

#[test]
fn a_port_in_use_is_named() {
    run("bad_start", "a_port_in_use_is_named", async |_| {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data").display().to_string();
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("its address").to_string();
        let base = ["start", "--stop-with-stdin", "--province", "32", "--data-dir", &data];
        for (ours, other) in [("--listen-api", "--listen-peer"), ("--listen-peer", "--listen-api")] {
            let ran = program::run(base.iter().copied().chain([ours, &address, other, "127.0.0.1:0"]), b"");
            clear(ran.code, &ran.stderr, 5, &[&address]);
        }
    });
}

#[test]
fn a_node_does_not_open_what_is_anothers() {
    run("bad_start", "a_node_does_not_open_what_is_anothers", async |seed| {
        let mut trial = Trial::begin(seed, Options::default()).await;
        let load = trial.load(0, &Pace { patience: Duration::from_secs(15), ..Pace::default() });
        trial.progress(100).await;

        // Two processes on one directory.
        let data = trial.cluster.nodes[0].data.clone();
        let (id, other) = (trial.cluster.nodes[0].id.to_string(), trial.cluster.nodes[1].id.to_string());
        let ran = start(&data, &["--node", &id]);
        clear(ran.code, &ran.stderr, 9, &[&data.display().to_string(), "in use"]);

        // Another node's directory.
        trial.cluster.kill(0);
        let ran = start(&data, &["--node", &other]);
        clear(ran.code, &ran.stderr, 9, &[&data.display().to_string(), &id, &other]);
        trial.cluster.start_node(0).await;

        // A node of another cluster, at a member's address and with its id, with a ledger of its own.
        let leader = trial.cluster.leader().await;
        let place = (leader + 1) % 3;
        trial.cluster.kill(place);
        let ours = trial.cluster.nodes[place].data.clone();
        let aside = trial.cluster.path().join("aside");
        std::fs::rename(&ours, &aside).expect("moved aside");
        let mut strange = Cluster::apart(Options { voters: 1, ..Options::default() });
        strange.nodes[0].id = trial.cluster.nodes[place].id;
        strange.start_node(0).await;
        let member = strange.member(0);
        let request = InitRequest { voters: vec![member], ..InitRequest::default() };
        let formed = strange.door(0).init(request).await.expect("a cluster of one").into_inner();
        assert_ne!(formed.cluster, trial.cluster.id);
        strange.terminate(0).await;
        std::fs::rename(&strange.nodes[0].data, &ours).expect("moved in");
        let entered = trial.cluster.try_start_node(place).await;
        if let Err(ended) = entered {
            told(&ended, 9, &[&ours.display().to_string()]);
        } else {
            trial.progress(100).await;
            let overview = trial.cluster.overview(place).await.expect("it answers");
            assert_eq!(overview.cluster, formed.cluster, "it was taken over");
            let status = trial.cluster.status(place).await.expect("it answers");
            let theirs = trial.cluster.status(leader).await.expect("it answers");
            assert_ne!(status.digest, theirs.digest, "it was fed another cluster's ledger");
            let seen = trial.cluster.overview(leader).await.expect("it answers");
            let seen = seen.nodes.iter().find(|node| node.node == status.node).expect("a member").role();
            assert_eq!(seen, v1::Role::Unreachable, "the cluster takes a stranger for its own");
            let again = trial.cluster.door(place).init(InitRequest::default()).await;
            assert!(again.is_err(), "a cluster is formed twice");
            trial.cluster.kill(place);
        }
        std::fs::remove_dir_all(&ours).expect("removed");
        std::fs::rename(&aside, &ours).expect("moved back");
        trial.cluster.start_node(place).await;
        trial.stop(load, 200).await;
        trial.judge(200).await.demand("foreign directories");
    });
}

#[test]
fn commands_say_which_step_failed() {
    run("bad_start", "commands_say_which_step_failed", async |seed| {
        let trial = Trial::begin(seed, Options::default()).await;
        let node = &trial.cluster.nodes[0];
        let nowhere =
            TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").to_string();
        let ran = program::run(["status", "--addr", &nowhere], b"");
        clear(ran.code, &ran.stderr, 5, &[&nowhere, "TCP"]);
        let ran = program::run(["status", "--addr", "nowhere"], b"");
        clear(ran.code, &ran.stderr, 2, &["nowhere"]);
        let ran = program::run(["status", "--addr", &node.peers], b"");
        clear(ran.code, &ran.stderr, 9, &[&node.peers]);
        let voter = format!("{}={},{}", node.id, node.peers, node.clients);
        let ran = program::run(["cluster", "init", "--addr", &node.clients, "--voter", &voter], b"");
        clear(ran.code, &ran.stderr, 9, &[&node.clients]);
        let ran =
            program::run(["query", "--addr", &node.clients, "person", &RequestId::fresh().to_string()], b"");
        clear(ran.code, &ran.stderr, 4, &[]);
        let ran = program::run(["query", "--addr", &node.clients, "person", "x"], b"");
        clear(ran.code, &ran.stderr, 2, &["person"]);
        let ran = program::run(["status", "--addr", &node.clients], b"");
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        for node in &trial.cluster.nodes {
            assert!(ran.stdout.contains(&node.id.to_string()), "{}", ran.stdout);
        }
    });
}

#[test]
fn malformed_lines_are_reported_by_number_and_stop_nobody() {
    run("bad_start", "malformed_lines_are_reported_by_number_and_stop_nobody", async |seed| {
        let trial = Trial::begin(seed, Options::default()).await;
        let (place, user) = (PLACES[0], &trial.world.families[0].beneficiary);
        let settle = |amount: &str, id: &str| {
            let institution = place.institution;
            format!(
                r#"{{"request_id":"{id}","caller":{{"institution":"{institution}"}},"settle":{{"beneficiary":"{user}","institution":"{institution}","amount":"{amount}"}}}}"#
            )
        };
        let (first, last) = (RequestId::fresh().to_string(), RequestId::fresh().to_string());
        let lines = [
            settle("1.00", &first),
            "nonsense".into(),
            settle("-1.00", ""),
            String::new(),
            r#"{"setle":{}}"#.into(),
            settle("0.00", ""),
            "{".repeat(100_000),
            settle("2.00", &last),
            settle("2.00", &last),
        ];
        let address = &trial.cluster.nodes[1].clients;
        let ran = program::run(["submit", "--addr", address], lines.join("\n").as_bytes());
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        for (number, word) in [(2, ""), (3, "amount"), (5, "setle"), (7, "")] {
            let line = ran.stderr.lines().find(|line| line.starts_with(&format!("line {number}:")));
            let line = line.unwrap_or_else(|| panic!("line {number} is not reported:\n{}", ran.stderr));
            assert!(line.contains(word), "{line}");
        }
        let results: Vec<Value> =
            ran.stdout.lines().map(|line| serde_json::from_str(line).expect("a result is JSON")).collect();
        let outcomes: Vec<&str> = results.iter().filter_map(|result| result["outcome"].as_str()).collect();
        let (done, refused, malformed) = ("OUTCOME_DONE", "OUTCOME_REFUSED", "OUTCOME_MALFORMED");
        assert_eq!(
            outcomes,
            [done, malformed, malformed, malformed, refused, malformed, done, done],
            "{}",
            ran.stdout
        );
        assert_eq!(results[4]["reason"], "REASON_AMOUNT_ZERO");
        assert_eq!(
            (results[6]["request_id"].as_str(), results[7]["repeated"].as_bool()),
            (Some(&*last), Some(true))
        );
        assert_eq!(results[6]["index"], results[7]["index"], "done twice");
        wait_for(CALM_MAX, "the cluster's calm", async || Some(trial.cluster.calm().await)).await;
    });
}
