//! `gongji status`: who leads, how many may fail, whether all hold the same state.

use super::connect::{reach, refused};
use super::json::Shape;
use super::{Nodes, Output, show};
use crate::places;
use crate::problem::Exit;
use anyhow::Result;
use comfy_table::Cell;
use proto::v1;
use std::fmt::Write;

/// The longest note that stands in the table; longer ones stand below it.
const NOTE_MAX: usize = 40;

/// What the verb is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    nodes: Nodes,
    /// Ask the node only about itself
    #[arg(long)]
    local: bool,
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

/// Runs the verb.
pub async fn run(args: Args) -> Result<Exit> {
    let node = reach(&args.nodes).await?;
    let mut client = v1::cluster_client::ClusterClient::new(node.channel.clone());
    let asked = client.status(v1::StatusRequest { local: args.local, ..Default::default() }).await;
    let status = asked.map_err(|status| refused(&status, &node.address, "status"))?.into_inner();
    match args.output {
        Output::Json => println!("{}", Shape::of("StatusResponse").write(&status)),
        Output::Table => println!("{}", page(&status)),
    }
    Ok(exit(&status))
}

/// A lost quorum and a differing digest are told to scripts too.
fn exit(status: &v1::StatusResponse) -> Exit {
    match status {
        _ if status.compared_index > 0 && !status.digests_equal => Exit::Differs,
        v1::StatusResponse { margin: Some(margin), .. } if margin.spare < 0 => Exit::Unreachable,
        _ => Exit::Done,
    }
}

/// The whole page.
pub fn page(status: &v1::StatusResponse) -> String {
    let mut page = headline(status);
    if status.nodes.is_empty() {
        return page;
    }
    write!(page, "\n{}", nodes(status)).expect("writing to a String cannot fail");
    if status.compared_index > 0 {
        let verdict = match status.digests_equal {
            true => "all reachable nodes hold the same state",
            false => "THE STATES DIFFER: stop the odd node and keep its files",
        };
        write!(page, "\nat index {}: {verdict}", status.compared_index)
            .expect("writing to a String cannot fail");
    }
    page
}

fn headline(status: &v1::StatusResponse) -> String {
    if status.cluster.is_empty() {
        return "no cluster is formed yet; next: gongji cluster init --voter NODE=PEER_ADDR,API_ADDR …"
            .into();
    }
    let short = status.cluster.split('-').next().unwrap_or_default();
    let leader = match status.leader {
        0 => "no leader".to_owned(),
        leader => {
            let silent = |node: &v1::NodeStatus| node.node == leader && !role(node.role()).1;
            let gone = if status.nodes.iter().any(silent) { " (does not answer)" } else { "" };
            format!("leader {}{gone}", places::node_label(leader))
        }
    };
    let margin = status.margin.as_ref().map(margin).unwrap_or_default();
    format!("cluster {short}…  {leader}  term {}  {margin}", status.term)
}

/// `need 2 of 3, 1 may fail`.
pub fn margin(margin: &v1::Margin) -> String {
    let v1::Margin { voters, needed, reachable, spare } = margin;
    match spare {
        _ if *spare < 0 => format!("QUORUM LOST: need {needed} of {voters}, {reachable} up"),
        0 => format!("need {needed} of {voters}, {reachable} up, none may fail"),
        _ if reachable == voters => format!("need {needed} of {voters}, {spare} may fail"),
        _ => format!("need {needed} of {voters}, {reachable} up, {spare} more may fail"),
    }
}

/// The table of nodes.
pub fn nodes(status: &v1::StatusResponse) -> String {
    let mut table = show::table(&[
        "node", "province", "role", "term", "index", "applied", "lag", "digest", "version", "note",
    ]);
    let mut below = String::new();
    for node in &status.nodes {
        let (label, up) = role(node.role());
        let number = |value: u64| if up { show::number(value) } else { show::number("–") };
        let province = places::province(node.node / 1_000_000).map_or("", |province| province.zh);
        let mut note = node.trouble.split_whitespace().collect::<Vec<_>>().join(" ");
        if note.is_empty() && up && node.digest_index != 0 && node.digest_index != node.applied_index {
            note = format!("digest at {}", node.digest_index);
        }
        table.add_row(vec![
            Cell::new(node.node),
            Cell::new(province),
            Cell::new(label),
            number(node.term),
            number(node.last_log_index),
            number(node.applied_index),
            number(node.lag),
            Cell::new(if up { node.digest.get(..8).unwrap_or("–") } else { "–" }),
            Cell::new(if node.version.is_empty() { "–" } else { &node.version }),
            Cell::new(if note.chars().count() > NOTE_MAX { "see below" } else { &note }),
        ]);
        if note.chars().count() > NOTE_MAX {
            below += &format!("\n {}: {note}", places::node_label(node.node));
        }
    }
    show::text(&table) + &below
}

/// A role in a word, and whether the node answers.
fn role(role: v1::Role) -> (&'static str, bool) {
    match role {
        v1::Role::Unspecified => ("?", true),
        v1::Role::Leader => ("leader", true),
        v1::Role::Follower => ("follower", true),
        v1::Role::Candidate => ("candidate", true),
        v1::Role::Learner => ("learner", true),
        v1::Role::Down => ("down", true),
        v1::Role::Unreachable => ("unreachable", false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> v1::StatusResponse {
        let node = |node: u64, role: v1::Role| v1::NodeStatus {
            node,
            role: role.into(),
            term: 3,
            applied_index: 1204,
            digest: "9af3c01e77".into(),
            digest_index: 1204,
            version: "0.1.0".into(),
            ..Default::default()
        };
        v1::StatusResponse {
            cluster: "7c1e0000-0000".into(),
            leader: 32_000_001,
            term: 3,
            margin: Some(v1::Margin { voters: 3, needed: 2, reachable: 2, spare: 0 }),
            nodes: vec![
                node(32_000_001, v1::Role::Leader),
                v1::NodeStatus {
                    trouble: "connection refused".into(),
                    ..node(41_000_001, v1::Role::Unreachable)
                },
            ],
            compared_index: 1204,
            digests_equal: true,
        }
    }

    #[test]
    fn the_page_shows_margin_digests_and_unreachable_nodes() {
        let shown = page(&status());
        assert!(
            shown.starts_with(
                "cluster 7c1e0000…  leader 32000001 江苏  term 3  need 2 of 3, 2 up, none may fail"
            ),
            "{shown}"
        );
        let rows: Vec<&str> = shown.lines().collect();
        assert!(rows[2].contains("江苏") && rows[2].contains("9af3c01e"), "{shown}");
        assert!(
            rows[3].contains("unreachable")
                && rows[3].contains("connection refused")
                && !rows[3].contains("9af3c01e"),
            "{shown}"
        );
        assert_eq!(exit(&status()), Exit::Done);
    }

    #[test]
    fn differing_digests_and_a_lost_quorum_end_with_their_codes() {
        assert_eq!(exit(&v1::StatusResponse { digests_equal: false, ..status() }), Exit::Differs);
        let margin = Some(v1::Margin { voters: 3, needed: 2, reachable: 1, spare: -1 });
        let lost = v1::StatusResponse { margin, ..status() };
        assert_eq!(exit(&lost), Exit::Unreachable);
        assert!(page(&lost).contains("QUORUM LOST: need 2 of 3, 1 up"));
    }
}
