//! A decided transaction as a line of JSON, and the line that checks those above it.

use crate::cli::json::Shape;
use crate::problem::{Exit, Problem};
use client::{Caller, Decision, Entry, Outcome, Refused};
use ledger::Stamp;
use serde_json::{Map, Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Makes lines.
pub struct Lines {
    transaction: Shape,
    event: Shape,
}

/// What the last line says of those above it.
#[derive(Debug)]
pub struct Check<'a> {
    pub cluster: &'a str,
    pub from: u64,
    pub until: u64,
    /// The digest of the state at `until`; empty when it is not known.
    pub digest: &'a str,
}

impl Lines {
    pub fn new() -> Lines {
        Lines { transaction: Shape::of("Transaction"), event: Shape::of("Event") }
    }

    /// An entry's decisions, a line each.
    pub fn of(&self, entry: &Entry) -> Result<String, Problem> {
        let stamp = stamp(entry.time);
        let mut text = String::new();
        for (place, decision) in entry.decisions.iter().enumerate() {
            let line = self.line(&stamp, decision).ok_or_else(|| incomplete(entry.index, place))?;
            text.push_str(&Value::Object(line).to_string());
            text.push('\n');
        }
        Ok(text)
    }

    /// One decision; none if the node did not tell all of it.
    fn line(&self, stamp: &str, decision: &Decision) -> Option<Map<String, Value>> {
        let (index, place, outcome) = match &decision.outcome {
            Outcome::Done(receipt) => {
                let events = receipt.events.iter().map(|event| self.event.write_short(event)).collect();
                let outcome = [("outcome", json!("OUTCOME_DONE")), ("events", events)];
                (receipt.index, receipt.place, outcome)
            }
            Outcome::Refused(refused) => {
                let outcome = [("outcome", json!("OUTCOME_REFUSED")), ("reason", reason(refused))];
                (refused.index, refused.place, outcome)
            }
            Outcome::Unknown(_) => return None,
        };
        let head = [
            ("index", json!(index.to_string())),
            ("place", json!(place)),
            ("stamp", json!(stamp)),
            ("caller", json!(caller(&decision.caller))),
            ("transaction", self.transaction.write_short(decision.transaction.as_ref()?)),
        ];
        Some(head.into_iter().chain(outcome).map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

impl Check<'_> {
    /// The line, for so many lines with this hash.
    pub fn line(&self, lines: u64, sha256: &str) -> String {
        let mut check = Map::new();
        let mut put = |name: &str, value: String| check.insert(name.to_owned(), Value::String(value));
        put("cluster", self.cluster.to_owned());
        put("from", self.from.to_string());
        put("until", self.until.to_string());
        put("lines", lines.to_string());
        if !self.digest.is_empty() {
            put("digest", self.digest.to_owned());
        }
        put("sha256", sha256.to_owned());
        format!("{}\n", json!({ "check": check }))
    }
}

fn incomplete(index: u64, place: usize) -> Problem {
    Problem::new(Exit::WrongCluster, format!("the node does not tell what was asked at {index}-{place}"))
        .because("it is of an older version")
        .next("gongji status, and --addr with a node of this version")
}

/// A reason by its name; by its number if this version does not know it.
fn reason(refused: &Refused) -> Value {
    match refused.reason {
        client::Reason::Unspecified => json!(refused.number),
        reason => json!(reason.as_str_name()),
    }
}

/// A caller as `gongji query receipt --caller` takes it.
fn caller(caller: &Caller) -> String {
    match caller {
        Caller::National => "national".into(),
        Caller::Province(code) => format!("province:{code}"),
        Caller::Agency(code) => format!("agency:{code}"),
        Caller::Institution(code) => format!("institution:{code}"),
        Caller::Person(id) => format!("person:{id}"),
        Caller::Auditor => "auditor".into(),
        Caller::Node => "node".into(),
    }
}

/// A moment in the scheme's time zone: "2026-10-03T08:00:00.123+08:00".
fn stamp(time: SystemTime) -> String {
    let ms = time.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis());
    let stamp = Stamp(u64::try_from(ms).unwrap_or(u64::MAX));
    let (year, month, date) = stamp.day().civil();
    let (hour, minute) = (stamp.minute() / 60, stamp.minute() % 60);
    let (second, ms) = (stamp.0 / 1_000 % 60, stamp.0 % 1_000);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}+08:00")
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::{Receipt, RequestId, v1};
    use std::time::Duration;

    #[test]
    fn a_line_says_what_was_asked_and_what_came_of_it() {
        let request_id = RequestId::fresh();
        let transaction = v1::Transaction {
            request_id: request_id.to_string(),
            caller: Some(v1::Caller { who: Some(v1::caller::Who::National(v1::National {})) }),
            call: Some(v1::transaction::Call::RegisterArea(v1::RegisterArea { area: "320500".into() })),
            ..Default::default()
        };
        let event = v1::event::Kind::AreaRegistered(v1::AreaRegistered { area: "320500".into() });
        let done = Outcome::Done(Receipt {
            request_id,
            index: 7,
            place: 0,
            repeated: false,
            events: vec![v1::Event { kind: Some(event) }],
        });
        let refused = Outcome::Refused(Refused {
            request_id,
            reason: client::Reason::AreaExists,
            number: client::Reason::AreaExists as i32,
            index: 7,
            place: 1,
            repeated: false,
        });
        let decision = |outcome, transaction| Decision { caller: Caller::National, outcome, transaction };
        let mut entry = Entry {
            index: 7,
            // The last millisecond of 2 October in +08:00.
            time: UNIX_EPOCH + Duration::from_millis(1_790_956_799_999),
            decisions: vec![decision(done, Some(transaction.clone())), decision(refused, Some(transaction))],
        };
        let text = Lines::new().of(&entry).expect("whole");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let [first, second] = &lines[..] else { panic!("{text}") };
        assert_eq!(first["index"], "7");
        assert_eq!(first["caller"], "national");
        assert_eq!(first["transaction"]["register_area"]["area"], "320500");
        assert_eq!(first["transaction"]["request_id"], json!(request_id.to_string()));
        assert_eq!(first["outcome"], "OUTCOME_DONE");
        assert_eq!(first["events"][0]["area_registered"]["area"], "320500");
        assert_eq!((&second["place"], &second["reason"]), (&json!(1), &json!("REASON_AREA_EXISTS")));
        assert_eq!(second.get("events"), None);
        assert_eq!(first["stamp"], "2026-10-02T23:59:59.999+08:00");

        entry.decisions[1].transaction = None;
        assert!(Lines::new().of(&entry).expect_err("not whole").what.contains("7-1"));
    }

    #[test]
    fn the_check_line_has_no_digest_that_is_not_known() {
        let check = Check { cluster: "c", from: 1, until: 9, digest: "" };
        let line = check.line(12, "ab");
        assert_eq!(
            line,
            "{\"check\":{\"cluster\":\"c\",\"from\":\"1\",\"until\":\"9\",\"lines\":\"12\",\"sha256\":\"ab\"}}\n"
        );
        assert!(Check { digest: "d1", ..check }.line(12, "ab").contains("\"digest\":\"d1\""));
    }
}
