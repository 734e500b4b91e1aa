//! What a measurement says, as text and as JSON.

use super::run::{Measured, Mode, Work};
use client::v1;
use serde_json::{Value, json};
use std::fmt::Write;

const PERCENTILES: [(&str, f64); 3] = [("p50", 50.0), ("p99", 99.0), ("p999", 99.9)];

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Unary => "unary",
        Mode::Stream => "stream",
        Mode::Batch => "batch",
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// One digit behind the point: more would claim too much.
fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// For programs.
pub fn json(work: &Work, found: &Measured, status: &v1::StatusResponse) -> Value {
    let mut latency = serde_json::Map::new();
    for (name, percentile) in PERCENTILES {
        latency.insert(name.into(), json!(found.latency.value_at_percentile(percentile) as f64 / 1_000.0));
    }
    latency.insert("max".into(), json!(found.latency.max() as f64 / 1_000.0));
    json!({
        "mode": mode(work.mode),
        "clients": work.clients,
        "batch": work.batch,
        "nodes": status.nodes.len(),
        "seconds": round(found.time.as_secs_f64()),
        "transactions": found.decided(),
        "per_second": found.per_second().round(),
        "latency_ms": latency,
        "cpu_us_per_transaction": {
            "nodes": round(found.per_transaction(found.cpu_servers)),
            "client": round(found.per_transaction(found.cpu_client)),
        },
        "memory_mib": { "node_max": round(mib(found.memory.0)), "client": round(mib(found.memory.1)) },
        "done": found.done,
        "refused": found.refused,
        "unknown": found.unknown,
        "not_sent": found.not_sent,
        "digests_equal": status.compared_index > 0 && status.digests_equal,
        "compared_index": status.compared_index.to_string(),
    })
}

/// For people.
pub fn table(work: &Work, found: &Measured, status: &v1::StatusResponse) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        writeln!(text, "{name:<22}{value}").expect("writing to a String cannot fail")
    };
    let per_call =
        if work.batch > 1 { format!(", {} transactions a call", work.batch) } else { String::new() };
    line(
        "sent by",
        format!("{} callers, {}{per_call}, to {} nodes", work.clients, mode(work.mode), status.nodes.len()),
    );
    line("transactions", format!("{} in {:.1} s", found.decided(), found.time.as_secs_f64()));
    line("per second", format!("{:.0}", found.per_second()));
    let latency = |percentile: f64| found.latency.value_at_percentile(percentile) as f64 / 1_000.0;
    let latencies: Vec<String> =
        PERCENTILES.iter().map(|(name, at)| format!("{name} {:.1}", latency(*at))).collect();
    line(
        "latency of a call, ms",
        format!("{}  max {:.1}", latencies.join("  "), found.latency.max() as f64 / 1_000.0),
    );
    let client = found.per_transaction(found.cpu_client);
    line(
        "CPU, µs a transaction",
        match work.servers.is_empty() {
            true => format!("client {client:.1} (that of the nodes is known with --local only)"),
            false => {
                let nodes = found.per_transaction(found.cpu_servers);
                let each = nodes / work.servers.len() as f64;
                format!(
                    "nodes {nodes:.1} ({each:.1} each), client {client:.1}, together {:.1}",
                    nodes + client
                )
            }
        },
    );
    if !work.servers.is_empty() {
        line(
            "memory at most, MiB",
            format!("a node {:.0}, client {:.0}", mib(found.memory.0), mib(found.memory.1)),
        );
    }
    line("done", found.done.to_string());
    line("refused", found.refused.values().sum::<u64>().to_string());
    for (reason, number) in &found.refused {
        line("", format!("{number} {reason}"));
    }
    line("unknown", found.unknown.to_string());
    if found.not_sent > 0 {
        line("not sent", format!("{}: {}", found.not_sent, found.trouble.as_deref().unwrap_or_default()));
    }
    let verdict = match (status.compared_index, status.digests_equal) {
        (0, _) => "could not be compared".to_owned(),
        (index, true) => format!("equal on all {} nodes at index {index}", status.nodes.len()),
        (index, false) => format!("DIFFERENT at index {index}"),
    };
    line("state digests", verdict);
    text.trim_end().to_owned()
}
