//! `gongji submit`: one transaction a line in, one result a line out, in the same order.
//!
//! Lines are sent in batches, one batch after the other, so that a line may build on those above it.

use super::Nodes;
use super::connect::{plain, reach};
use super::json::{Malformed, Shape};
use crate::problem::{Exit, Problem};
use anyhow::Result;
use client::v1::{self, Reason};
use client::{BATCH_MAX, Client, Error, Outcome, Prepared, RequestId};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

/// The longest line that is read; a transaction is a few hundred bytes.
const LINE_BYTES_MAX: usize = 64 << 10;
/// The most bytes of one batch: below the most that a node takes in one message.
const BATCH_BYTES_MAX: usize = 2 << 20;

/// What the verb is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    nodes: Nodes,
    /// The transactions: one JSON object a line (proto3 JSON of gongji.v1.Transaction); - for stdin
    #[arg(long, value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Most lines of one batch; lines are sent as soon as they are there
    #[arg(long, default_value_t = BATCH_MAX as u16, value_parser = clap::value_parser!(u16).range(1..=BATCH_MAX as i64))]
    batch: u16,
    /// Changes nothing: says how each line would end if it were decided now, not counting on the lines above it
    #[arg(long)]
    forecast: bool,
    /// How long to try for each batch before its outcome is called unknown
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = crate::config::value::duration)]
    deadline: Duration,
}

/// A line of the input.
struct Line {
    number: usize,
    /// Its length. The same transaction as bytes of a message is shorter.
    bytes: usize,
    read: Result<Prepared, Malformed>,
}

/// How the lines ended.
#[derive(Debug, Default)]
struct Tally {
    done: usize,
    refused: usize,
    malformed: usize,
    unknown: usize,
    not_sent: usize,
}

/// Runs the verb.
pub async fn run(args: Args) -> Result<Exit> {
    let input: Box<dyn Read + Send> = match args.file.to_str() {
        Some("-") => Box::new(io::stdin()),
        _ => Box::new(File::open(&args.file).map_err(|problem| {
            let place = args.file.display();
            Problem::usage(format!("cannot read {place}")).because(problem).next(format!("ls -l {place}"))
        })?),
    };
    reach(&args.nodes).await?;
    let addresses = args.nodes.addresses.iter().map(|address| plain(address));
    let client = Client::connect_lazy(addresses)?.within(args.deadline);

    let (sender, mut lines) = mpsc::channel(2 * BATCH_MAX);
    // A thread of its own: reading stdin cannot be awaited. It ends with its input or with the program.
    let reader = std::thread::spawn(move || read_lines(input, &sender));
    let bar = bar();
    let mut tally = Tally::default();
    let most = usize::from(args.batch);
    let mut batch = Vec::with_capacity(most);
    while lines.recv_many(&mut batch, most).await > 0 {
        let lines = std::mem::take(&mut batch);
        match args.forecast {
            true => forecast(&client, &lines, &mut tally).await?,
            false => send(&client, lines, &mut tally).await?,
        }
        bar.set_position(tally.total() as u64);
        bar.set_message(tally.to_string());
    }
    bar.finish_and_clear();
    if let Ok(Err(problem)) = reader.join() {
        return Err(Problem::usage(format!("cannot read on after line {}", tally.total()))
            .because(problem)
            .into());
    }
    eprintln!("{} lines: {tally}", tally.total());
    Ok(tally.exit())
}

fn bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {pos} lines  {per_sec}  {msg}");
    ProgressBar::new_spinner().with_style(style.expect("the template is well-formed"))
}

fn read_lines(input: Box<dyn Read + Send>, sender: &mpsc::Sender<Line>) -> io::Result<()> {
    let shape = Shape::of("Transaction");
    let mut input = BufReader::with_capacity(1 << 20, input);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let most = LINE_BYTES_MAX as u64 + 1;
        if (&mut input).take(most).read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        let whole = bytes.ends_with(b"\n");
        let read = match bytes.len() > LINE_BYTES_MAX {
            true => {
                if !whole {
                    skip_line(&mut input)?;
                }
                let problem = format!("the line is longer than {LINE_BYTES_MAX} bytes");
                Err(Malformed { field: String::new(), problem })
            }
            false => match std::str::from_utf8(&bytes).map(str::trim) {
                // An empty line is no transaction; it keeps its number.
                Ok("") => continue,
                Ok(text) => prepare(&shape, text),
                Err(_) => Err(Malformed { field: String::new(), problem: "the line is not UTF-8".into() }),
            },
        };
        if sender.blocking_send(Line { number, bytes: bytes.len(), read }).is_err() {
            break;
        }
    }
    Ok(())
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let found = input.fill_buf()?;
        let (length, end) = match found.iter().position(|byte| *byte == b'\n') {
            Some(place) => (place + 1, true),
            None => (found.len(), found.is_empty()),
        };
        input.consume(length);
        if end {
            return Ok(());
        }
    }
}

fn prepare(shape: &Shape, text: &str) -> Result<Prepared, Malformed> {
    let mut transaction: v1::Transaction = shape.read(text)?;
    if transaction.request_id.is_empty() {
        transaction.request_id = RequestId::fresh().to_string();
    }
    Prepared::new(&transaction).map_err(|error| match error {
        Error::Malformed { field, problem } => Malformed { field, problem },
        other => Malformed { field: String::new(), problem: other.to_string() },
    })
}

async fn send(client: &Client, mut lines: Vec<Line>, tally: &mut Tally) -> Result<(), Problem> {
    while !lines.is_empty() {
        let rest = lines.split_off(fitting(&lines));
        let good: Vec<Prepared> = lines.iter().filter_map(|line| line.read.as_ref().ok()).cloned().collect();
        let mut results = client.submit_batch(&good).await.into_iter();
        let mut out = io::stdout().lock();
        for line in &lines {
            let shown = match &line.read {
                Ok(prepared) => {
                    let unknown = Ok(Outcome::Unknown(prepared.request_id()));
                    tally.count(line.number, prepared.request_id(), results.next().unwrap_or(unknown))
                }
                Err(malformed) => tally.malformed(line.number, None, &malformed.field, &malformed.problem),
            };
            print(&mut out, shown)?;
        }
        // A program that waits for each result gets it now.
        out.flush().ok();
        lines = rest;
    }
    Ok(())
}

/// How each of the lines would end, one after the other.
async fn forecast(client: &Client, lines: &[Line], tally: &mut Tally) -> Result<(), Problem> {
    for line in lines {
        let shown = match &line.read {
            Ok(prepared) => {
                let result = client.forecast(prepared).await.map(|read| read.value);
                let mut shown = tally.count(line.number, prepared.request_id(), result);
                shown.insert("forecast".into(), json!(true));
                // It stands nowhere in the log.
                ["index", "place", "repeated"].iter().for_each(|field| drop(shown.remove(*field)));
                shown
            }
            Err(malformed) => tally.malformed(line.number, None, &malformed.field, &malformed.problem),
        };
        print(&mut io::stdout().lock(), shown)?;
    }
    Ok(())
}

/// Prints a result as a line.
fn print(out: &mut impl Write, shown: Map<String, Value>) -> Result<(), Problem> {
    writeln!(out, "{}", Value::Object(shown)).map_err(|problem| {
        Problem::new(Exit::Unknown, "cannot print results")
            .because(problem)
            .next("send the same file again to a working place")
    })
}

/// How many of the lines go into one message.
fn fitting(lines: &[Line]) -> usize {
    let mut bytes = 0;
    let fits = |line: &&Line| {
        bytes += line.bytes;
        bytes <= BATCH_BYTES_MAX
    };
    lines.iter().take_while(fits).count().max(1)
}

impl Tally {
    fn total(&self) -> usize {
        self.done + self.refused + self.malformed + self.unknown + self.not_sent
    }

    /// Counts a line, and makes its result.
    fn count(
        &mut self,
        number: usize,
        request: RequestId,
        result: Result<Outcome, Error>,
    ) -> Map<String, Value> {
        let mut shown = head(number, Some(request));
        let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        match result {
            Ok(Outcome::Done(receipt)) => {
                self.done += 1;
                let shape = Shape::of("Event");
                put("outcome", json!("OUTCOME_DONE"));
                put("index", json!(receipt.index.to_string()));
                put("place", json!(receipt.place));
                put("repeated", json!(receipt.repeated));
                put("events", receipt.events.iter().map(|event| shape.write_short(event)).collect());
            }
            Ok(Outcome::Refused(refused)) => {
                self.refused += 1;
                put("outcome", json!("OUTCOME_REFUSED"));
                put("reason", json!(refused.text().name));
                put("index", json!(refused.index.to_string()));
                put("place", json!(refused.place));
                put("repeated", json!(refused.repeated));
                put("text", json!(refused.text().en));
            }
            Ok(Outcome::Unknown(_)) => {
                self.unknown += 1;
                put("outcome", json!("OUTCOME_UNKNOWN"));
                put("reason", json!(Reason::OutcomeUnknown.as_str_name()));
                put(
                    "problem",
                    json!("it may or may not have been done: send the same line with this request_id again"),
                );
            }
            Err(Error::Malformed { field, problem }) => {
                return self.malformed(number, Some(request), &field, &problem);
            }
            Err(error) => {
                self.not_sent += 1;
                put("outcome", json!("NOT_SENT"));
                put("reason", json!(Reason::NoLeader.as_str_name()));
                put("problem", json!(error.to_string()));
            }
        }
        shown
    }

    fn malformed(
        &mut self,
        number: usize,
        request: Option<RequestId>,
        field: &str,
        problem: &str,
    ) -> Map<String, Value> {
        self.malformed += 1;
        let mut shown = head(number, request);
        shown.insert("outcome".into(), json!("OUTCOME_MALFORMED"));
        shown.insert("reason".into(), json!(Reason::InvalidArgument.as_str_name()));
        shown.insert("field".into(), json!(field));
        shown.insert("problem".into(), json!(problem));
        eprintln!("line {number}: {field}{}{problem}", if field.is_empty() { "" } else { ": " });
        shown
    }

    /// The worst that happened to a line.
    fn exit(&self) -> Exit {
        match self {
            Tally { unknown: 1.., .. } => Exit::Unknown,
            Tally { not_sent: 1.., .. } => Exit::Unreachable,
            Tally { malformed: 1.., .. } => Exit::Usage,
            Tally { refused: 1.., .. } => Exit::Refused,
            _ => Exit::Done,
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Tally { done, refused, malformed, unknown, not_sent } = self;
        write!(f, "{done} done, {refused} refused, {malformed} malformed, {unknown} unknown")?;
        if *not_sent > 0 {
            write!(f, ", {not_sent} not sent")?;
        }
        Ok(())
    }
}

fn head(number: usize, request: Option<RequestId>) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("line".into(), json!(number));
    shown.insert("request_id".into(), json!(request.map(|request| request.to_string()).unwrap_or_default()));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<Line> {
        let (sender, mut lines) = mpsc::channel(100);
        read_lines(Box::new(io::Cursor::new(text.to_vec())), &sender).expect("a text can be read");
        drop(sender);
        std::iter::from_fn(|| lines.try_recv().ok()).collect()
    }

    #[test]
    fn a_bad_line_does_not_stop_the_others_and_keeps_its_number() {
        let mut text = b"{\"tick\":{}}\n\nnonsense\n\xff\xfe\n".to_vec();
        text.extend(vec![b'x'; 3 * LINE_BYTES_MAX]);
        text.extend(b"\n{\"request_id\":\"7\",\"tick\":{}}\n{\"tick\":{}}");
        let found = lines(&text);
        let numbers: Vec<(usize, bool)> = found.iter().map(|line| (line.number, line.read.is_ok())).collect();
        assert_eq!(numbers, [(1, true), (3, false), (4, false), (5, false), (6, false), (7, true)]);
        assert_eq!(found[4].read.as_ref().unwrap_err().field, "request_id");
    }

    #[test]
    fn a_line_without_a_request_id_gets_one() {
        let found = lines(b"{\"tick\":{}}\n{\"tick\":{}}\n");
        let ids: Vec<RequestId> =
            found.iter().filter_map(|line| line.read.as_ref().ok()).map(Prepared::request_id).collect();
        assert!(ids.len() == 2 && ids[0] != ids[1]);
    }

    #[test]
    fn the_worst_line_gives_the_exit_code() {
        assert_eq!(Tally { done: 3, ..Tally::default() }.exit(), Exit::Done);
        assert_eq!(Tally { done: 3, refused: 1, ..Tally::default() }.exit(), Exit::Refused);
        assert_eq!(Tally { refused: 1, malformed: 1, ..Tally::default() }.exit(), Exit::Usage);
        assert_eq!(Tally { malformed: 1, unknown: 1, ..Tally::default() }.exit(), Exit::Unknown);
    }
}
