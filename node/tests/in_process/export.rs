//! `gongji ledger export`, from a real node to real files.

use crate::one::{One, gongji, sent};
use client::v1;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::mpsc;

/// Only what hangs takes that long.
const HANG: Duration = Duration::from_secs(60);

/// The lines of an export and its check line.
fn read(path: &Path) -> (Vec<Value>, Value) {
    let text = fs::read_to_string(path).expect("an export");
    let mut lines: Vec<&str> = text.lines().collect();
    let check: Value = serde_json::from_str(lines.pop().expect("a check line")).expect("JSON");
    let check = check["check"].clone();
    assert_eq!(check["lines"], lines.len().to_string());
    let hash: String = Sha256::digest(lines.iter().map(|line| format!("{line}\n")).collect::<String>())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(check["sha256"], hash, "the hash is that of the lines above");
    (lines.into_iter().map(|line| serde_json::from_str(line).expect("JSON")).collect(), check)
}

fn number(value: &Value) -> u64 {
    value.as_str().expect("a number as text").parse().expect("a number")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of ASCII")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_is_exported_whole_and_goes_on_where_it_ended() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = One::formed(&dir.path().join("node")).await;
    one.register_areas(5).await;
    let repeated = one.national().register_area("320500");
    sent(repeated.clone()).await.done().expect("done");
    sent(repeated.clone()).await.done().expect("done, as before");
    sent(one.national().register_area("320500")).await.done().expect_err("refused");

    let file = dir.path().join("all.jsonl");
    let first_last = one.index();
    let ran = one.gongji(["ledger", "export", "--out", text(&file)]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains(&format!("indexes 1 to {first_last}")), "{ran:?}");
    let (lines, check) = read(&file);
    assert_eq!((number(&check["from"]), number(&check["until"])), (1, first_last));
    let digest: String =
        one.node.state().applied().digest.root().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(check["digest"], digest);

    // Genesis, the provinces, and what was asked since; the repeated request stands there once.
    assert!(lines[0]["transaction"]["genesis"].is_object(), "{}", lines[0]);
    let id = repeated.request_id().to_string();
    let ours: Vec<&Value> = lines.iter().filter(|line| line["transaction"]["request_id"] == id).collect();
    let [line] = ours[..] else { panic!("{ours:?}") };
    assert_eq!((&line["caller"], &line["outcome"]), (&"national".into(), &"OUTCOME_DONE".into()));
    assert_eq!(line["events"][0]["area_registered"]["area"], "320500");
    assert!(line["stamp"].as_str().is_some_and(|at| at.ends_with("+08:00")), "{line}");
    let refused = lines.iter().find(|line| line["outcome"] == "OUTCOME_REFUSED").expect("the refusal");
    assert_eq!(refused["reason"], "REASON_AREA_EXISTS");
    let places: Vec<(u64, u64)> =
        lines.iter().map(|line| (number(&line["index"]), line["place"].as_u64().expect("a place"))).collect();
    assert!(places.is_sorted() && places.windows(2).all(|two| two[0] != two[1]), "{places:?}");

    // A file that is there is never written over.
    let again = one.gongji(["ledger", "export", "--out", text(&file)]).await;
    assert!(again.code == 2 && again.err.contains("is there already"), "{again:?}");

    // Day by day into a folder.
    let folder = dir.path().join("days");
    fs::create_dir(&folder).expect("a folder");
    let until = (first_last - 3).to_string();
    let ran = one.gongji(["ledger", "export", "--out", text(&folder), "--until", &until]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    one.register_areas(0).await;
    sent(one.national().register_area("320600")).await.done().expect("done");
    let from = (first_last - 2).to_string();
    let ran = one.gongji(["ledger", "export", "--out", text(&folder), "--from", &from]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut names: Vec<_> =
        fs::read_dir(&folder).expect("listed").flatten().map(|entry| entry.path()).collect();
    names.sort();
    let [one_day, next_day] = &names[..] else { panic!("{names:?}") };
    let last = one.index();
    assert!(
        text(next_day).ends_with(&format!("journal-{:012}-{last:012}.jsonl", first_last - 2)),
        "{names:?}"
    );
    let ((mut both, first_check), (more, _)) = (read(one_day), read(next_day));
    assert!(first_check["digest"].is_string(), "the digest of a recent index is remembered: {first_check}");
    both.extend(more);
    assert_eq!(both[..lines.len()], lines[..], "two parts are the whole");
    assert_eq!(both.len(), lines.len() + 1);

    // Nothing new is no error, and leaves no file.
    let from = (last + 1).to_string();
    let ran = one.gongji(["ledger", "export", "--out", text(&folder), "--from", &from]).await;
    assert!(ran.code == 0 && ran.err.contains("nothing new"), "{ran:?}");
    assert_eq!(fs::read_dir(&folder).expect("listed").count(), 2);
    one.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_exported_can_be_submitted_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = One::formed(&dir.path().join("node")).await;
    one.register_areas(3).await;
    let file = dir.path().join("all.jsonl");
    let ran = one.gongji(["ledger", "export", "--out", text(&file)]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let (lines, _) = read(&file);
    let wishes: String = lines.iter().map(|line| format!("{}\n", line["transaction"])).collect();
    let wishes_file = dir.path().join("wishes.jsonl");
    fs::write(&wishes_file, wishes).expect("written");
    let ran = one.gongji(["submit", "--file", text(&wishes_file)]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let repeated = ran.out.lines().filter(|line| line.contains("\"repeated\":true")).count();
    assert_eq!(repeated, lines.len(), "the same transactions, known by their ids: {}", ran.out);
    one.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_cannot_be_says_why() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("all.jsonl");
    let nobody = gongji(["ledger", "export", "--addr", "127.0.0.1:1", "--out", text(&out)]).await;
    assert!(nobody.code == 5 && nobody.err.contains("cannot reach 127.0.0.1:1"), "{nobody:?}");
    let one = One::formed(&dir.path().join("node")).await;
    let beyond = one.gongji(["ledger", "export", "--out", text(&out), "--until", "100000"]).await;
    assert!(beyond.code == 2 && beyond.err.contains("not decided yet"), "{beyond:?}");
    let nowhere = one.gongji(["ledger", "export", "--out", text(&dir.path().join("no/such/file"))]).await;
    assert!(nowhere.code == 2 && nowhere.err.contains("try: mkdir -p"), "{nowhere:?}");
    let full = one.gongji(["ledger", "export", "--out", "/dev/full"]).await;
    assert!(full.code == 2, "what is there already is not written to: {full:?}");
    let behind = one.gongji(["ledger", "export", "--out", text(&out), "--from", "2", "--until", "1"]).await;
    assert!(behind.code == 2 && behind.err.contains("lies behind"), "{behind:?}");
    assert!(!out.exists() && !dir.path().join("all.jsonl.part").exists());
    let mut door = v1::cluster_client::ClusterClient::new(one.client.channel());
    let status = door.status(v1::StatusRequest { local: true, digest_index: 1 << 40 }).await;
    let status = status.expect("an answer").into_inner();
    assert_eq!(status.nodes[0].digest, "", "no digest of an index that is not there");
    one.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_ends_an_export_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = One::formed(&dir.path().join("node")).await;
    let out = dir.path().join("all.jsonl");
    // No file may grow beyond 4 KiB, and whoever tries is told.
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$@\"";
    let program =
        [env!("CARGO_BIN_EXE_gongji"), "ledger", "export", "--addr", &one.address, "--out", text(&out)];
    let ran = Command::new("sh").args(["-c", script, "sh"]).args(program).output().await.expect("sh runs");
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(10), "{complaint}");
    assert!(complaint.contains("all.jsonl.part failed") && complaint.contains("try: df -h"), "{complaint}");
    assert!(!out.exists() && !dir.path().join("all.jsonl.part").exists());
    one.node.shutdown().await;
}

/// Stands before a node; each connection hangs once it has let through so many bytes, and says so.
async fn hanging(node: String, most: usize) -> (String, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (told, hangs) = mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let (far, told) = (TcpStream::connect(&node).await.expect("the node"), told.clone());
            let ((mut near_in, mut near_out), (mut far_in, mut far_out)) =
                (near.into_split(), far.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut near_in, &mut far_out).await.ok() });
            tokio::spawn(async move {
                let (mut left, mut bytes) = (most, [0_u8; 1024]);
                while left > 0 {
                    let read = far_in.read(&mut bytes[..left.min(1024)]).await.unwrap_or(0);
                    if read == 0 || near_out.write_all(&bytes[..read]).await.is_err() {
                        return;
                    }
                    left -= read;
                }
                told.send(()).await.ok();
                std::future::pending::<()>().await;
            });
        }
    });
    (address, hangs)
}

/// Whether all threads of a process wait for something.
fn sleeps(id: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{id}/task")).expect("it runs").flatten();
    threads.map(|thread| thread.path().join("stat")).all(|stat| {
        // The state stands behind the name, which is in brackets.
        let stat = fs::read_to_string(stat).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('S'))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_export_keeps_what_it_has_and_says_how_to_go_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = One::formed(&dir.path().join("node")).await;
    one.register_areas(99).await;
    let folder = dir.path().join("days");
    fs::create_dir(&folder).expect("a folder");
    let (address, mut hangs) = hanging(one.address.clone(), 12_000).await;
    let mut program = Command::new(env!("CARGO_BIN_EXE_gongji"));
    program.args(["ledger", "export", "--addr", &address, "--out", text(&folder)]);
    let program = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    tokio::time::timeout(HANG, hangs.recv()).await.expect("in time").expect("it hangs");
    // It has everything that it will get, and has made lines of it once it only waits for more: at several looks.
    let id = program.id().expect("it runs");
    let idle = async {
        let mut looks = 0;
        while looks < 5 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            looks = if sleeps(id) { looks + 1 } else { 0 };
        }
    };
    tokio::time::timeout(HANG, idle).await.expect("it waits in the end");
    let id = rustix::process::Pid::from_raw(id as i32).expect("a process");
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("told");
    let ran = program.wait_with_output().await.expect("it ends");
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(130), "{complaint}");
    let made =
        fs::read_dir(&folder).expect("listed").flatten().map(|entry| entry.path()).next().expect("a part");
    let (lines, check) = read(&made);
    let reached = number(&check["until"]);
    assert!(lines.len() > 33 && reached < one.index(), "{check}");
    assert_eq!(lines.last().map(|line| number(&line["index"])), Some(reached));
    assert!(text(&made).ends_with(&format!("-{reached:012}.jsonl")), "{made:?}");
    let next = format!("try: gongji ledger export --from {} --until {}", reached + 1, one.index());
    assert!(complaint.contains(&next), "{complaint}");
    one.node.shutdown().await;
}
