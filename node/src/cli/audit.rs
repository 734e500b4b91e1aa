//! `gongji audit`: every sum that must hold, over the state of a running node or of one that is stopped.

use super::connect::{Reached, reach, refused};
use super::json::Shape;
use super::{Nodes, Output, block_on, show, start};
use crate::places;
use crate::problem::{Exit, Problem};
use anyhow::Result;
use comfy_table::Cell;
use indicatif::{ProgressBar, ProgressStyle};
use node::audit::{Ended, Run};
use node::fault::Fault;
use proto::v1;
use proto::v1::audit_response::Kind;
use std::fmt::Write;
use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// A node that audits says so every second.
const SILENCE: Duration = Duration::from_secs(60);
/// How often the audit of a stopped node says how far it is.
const BEAT: Duration = Duration::from_millis(200);

/// What the verb is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    nodes: Nodes,
    /// Audit the files of a stopped node in place of a running one; as the user that the node runs as
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

/// Runs the verb.
pub fn run(args: Args) -> Result<Exit> {
    let bar = bar();
    let report = match &args.data_dir {
        Some(dir) => stopped(dir, &bar),
        None => block_on(async { Ok(running(&args.nodes, &bar).await) })?,
    };
    bar.finish_and_clear();
    let report = report?;
    match args.output {
        Output::Json => println!("{}", Shape::of("AuditReport").write(&report)),
        Output::Table => println!("{}", page(&report)),
    }
    Ok(if report.findings.is_empty() { Exit::Done } else { Exit::Differs })
}

fn bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {pos} records read  {elapsed}");
    ProgressBar::new_spinner().with_style(style.expect("the template is well-formed"))
}

async fn running(nodes: &Nodes, bar: &ProgressBar) -> Result<v1::AuditReport, Problem> {
    let node = reach(nodes).await?;
    let mut client = v1::cluster_client::ClusterClient::new(node.channel.clone());
    let asked = client.audit(v1::AuditRequest {}).await;
    let mut steps = asked.map_err(|status| turned_away(&status, &node))?.into_inner();
    loop {
        let lost = || {
            Problem::new(Exit::Unreachable, format!("audit at {}: the node no longer answers", node.address))
                .next(format!("gongji status --addr {}", node.address))
        };
        let step = timeout(SILENCE, steps.message()).await.map_err(|_| lost())?;
        match step.map_err(|status| turned_away(&status, &node))?.map(|step| step.kind) {
            Some(Some(Kind::Progress(progress))) => bar.set_position(progress.records_read),
            Some(Some(Kind::Report(report))) => return Ok(report),
            // A step that only a newer version knows.
            Some(None) => {}
            None => return Err(lost()),
        }
    }
}

fn turned_away(status: &tonic::Status, node: &Reached) -> Problem {
    let problem = refused(status, &node.address, "audit");
    match proto::status::reason_of(status) {
        Some(v1::Reason::Overloaded) => problem
            .next("audit a node that less is asked of, such as a learner: gongji audit --addr …; or a stopped one: --data-dir DIR"),
        _ => problem,
    }
}

fn stopped(dir: &Path, bar: &ProgressBar) -> Result<v1::AuditReport, Problem> {
    check_owner(dir)?;
    let audited = Arc::new(Run::default());
    let work = std::thread::spawn({
        let (dir, audited) = (dir.to_path_buf(), audited.clone());
        move || node::audit::audit_stopped(&dir, &audited)
    });
    while !work.is_finished() {
        bar.set_position(audited.records_read());
        std::thread::sleep(BEAT);
    }
    work.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map_err(|ended| match ended {
        Ended::Fault(fault @ Fault::InUse { .. }) => Problem {
            next: "gongji audit --addr 127.0.0.1:7701 for the node that runs there, or stop it first".into(),
            ..start::told(&fault)
        },
        Ended::Fault(fault) => start::told(&fault),
        // Nobody stops it, and nothing changes meanwhile.
        Ended::Stopped | Ended::GaveWay => Problem::new(Exit::Bug, ended.to_string()),
    })
}

/// Opening a state writes: what another user wrote, the node could not open any more.
fn check_owner(dir: &Path) -> Result<(), Problem> {
    // What cannot be looked at is told by the step that opens it.
    let Ok(found) = fs::metadata(dir.join("VERSION")) else { return Ok(()) };
    if found.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let place = dir.display();
    Err(Problem::new(
        Exit::NotAllowed,
        format!("{place} belongs to another user, with number {}", found.uid()),
    )
    .because("the node could no longer open what this user writes while opening the state")
    .next(format!("sudo -u '#{}' gongji audit --data-dir {place}", found.uid())))
}

/// The whole page.
fn page(report: &v1::AuditReport) -> String {
    let digest = report.digest.get(..8).unwrap_or_default();
    let mut page = format!(
        "state of {} at index {}, digest {digest}…, audited in {} ms",
        places::node_label(report.node),
        report.index,
        report.took_ms
    );
    let mut table = show::table(&["#", "checked", "findings", "what"]);
    for invariant in &report.invariants {
        table.add_row(vec![
            show::number(invariant.number),
            show::number(invariant.checked),
            show::number(invariant.findings),
            Cell::new(&invariant.what),
        ]);
    }
    write!(page, "\n{}\n", show::text(&table)).expect("writing to a String cannot fail");
    page += &verdict(report);
    page
}

fn verdict(report: &v1::AuditReport) -> String {
    let count = report.findings.len() as u64 + report.more_findings;
    if count == 0 {
        return format!("all {} invariants hold", report.invariants.len());
    }
    let mut text =
        format!("{count} FINDINGS: compare the state with that of other nodes, and keep this one's files");
    for finding in &report.findings {
        let v1::AuditFinding { invariant, place, what } = finding;
        write!(text, "\n{invariant:>2}  {what}, at {place}").expect("writing to a String cannot fail");
    }
    if report.more_findings > 0 {
        write!(text, "\nand {} more", report.more_findings).expect("writing to a String cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_every_invariant_and_then_every_finding() {
        let invariant = |number, findings| v1::AuditedInvariant {
            number,
            what: format!("things of kind {number}"),
            checked: 120,
            findings,
        };
        let clean = v1::AuditReport {
            node: 32_000_001,
            index: 1311,
            digest: "9af3c01e77aa".into(),
            invariants: vec![invariant(1, 0), invariant(2, 0)],
            took_ms: 12,
            ..Default::default()
        };
        let shown = page(&clean);
        assert!(shown.starts_with("state of 32000001 江苏 at index 1311, digest 9af3c01e…"), "{shown}");
        assert!(shown.contains("things of kind 2") && shown.ends_with("all 2 invariants hold"), "{shown}");
        let finding = v1::AuditFinding { invariant: 2, place: "Account(..)".into(), what: "too much".into() };
        let bad = v1::AuditReport { findings: vec![finding], more_findings: 4, ..clean };
        let shown = page(&bad);
        assert!(shown.contains("5 FINDINGS") && shown.ends_with("and 4 more"), "{shown}");
        assert!(shown.contains(" 2  too much, at Account(..)"), "{shown}");
    }
}
