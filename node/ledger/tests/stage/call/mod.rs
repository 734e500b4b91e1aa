//! From a command line to a call, and to who usually asks it.

mod clear;
mod person;
mod register;
mod relate;
mod spend;

use super::Stage;
use super::names::{Result, person};
use ledger::table::{PersonRecord, Record};
use ledger::{Area, Call, Caller, Fen, FileNumber, Key, Person, View};
use std::collections::BTreeMap;

type Args<'a> = BTreeMap<&'a str, &'a str>;

/// A call and its usual caller, if the verb is one of the module's.
type Known = Result<Option<(Caller, Call)>>;

pub fn call(stage: &mut Stage, verb: &str, args: &mut Args<'_>) -> Result<(Caller, Call)> {
    let modules = [register::call, person::call, relate::call, spend::call, clear::call];
    for module in modules {
        if let Some(known) = module(stage, verb, args)? {
            return Ok(known);
        }
    }
    Err(format!("no verb `{verb}`"))
}

fn take<'a>(args: &mut Args<'a>, name: &str) -> Result<&'a str> {
    args.remove(name).ok_or_else(|| format!("`{name}=` is missing"))
}

fn fen(text: &str) -> Result<Fen> {
    text.parse().ok().and_then(Fen::new).ok_or_else(|| format!("`{text}` is no amount"))
}

fn yes(text: &str) -> Result<bool> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("`{text}` is neither yes nor no")),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

fn file(text: &str) -> Result<FileNumber> {
    FileNumber::new(text).ok_or_else(|| format!("`{text}` is no file number"))
}

/// One of a list of words.
fn choice<T: Copy>(words: &[(&str, T)], word: &str) -> Result<T> {
    let known = words.iter().find(|(known, _)| *known == word);
    known.map(|(_, meant)| *meant).ok_or_else(|| format!("no such word `{word}`"))
}

/// The record of a key, as the stage stands.
fn record<R: Record>(stage: &Stage, key: Key) -> Option<R> {
    let Ok(row) = stage.state.get(&key);
    row.and_then(|row| R::of_row(&row).cloned())
}

fn nobody() -> Caller {
    Caller::Person(person("nobody"))
}

/// The area of insurance of one who is enrolled.
fn home(stage: &Stage, person: Person) -> Option<Area> {
    record::<PersonRecord>(stage, Key::Person { person }).map(|record| record.area)
}
