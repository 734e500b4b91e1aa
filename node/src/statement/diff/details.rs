//! Movements compared by their names.

use super::{Copy, Diff, Line, Page, area, begin, concerns, open, unread};
use crate::problem::Problem;
use crate::statement::read::Records;
use crate::statement::{words, yuan};
use ledger::table::Use;
use ledger::{Area, Province};
use std::cmp::Ordering;
use std::fs::File;
use std::path::Path;
use std::vec;

/// The name of a row: index and place of the transaction, and its place in it.
type Name = (u64, u32, u32);

/// What is compared of a movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    name: Name,
    payer: Area,
    payee: Area,
    usage: Use,
    fen: i128,
}

pub fn diff(ours: &Path, theirs: &Path, most: usize) -> Result<Diff, Problem> {
    let (one, one_sorted) = look(ours)?;
    let (other, other_sorted) = look(theirs)?;
    let mut diff = begin(Page::Details, one, other)?;
    let between = diff.between;
    let mut ours = Rows::open(ours, one_sorted, between)?;
    let mut theirs = Rows::open(theirs, other_sorted, between)?;
    let (mut one, mut other) = (ours.take(&mut diff.ours)?, theirs.take(&mut diff.theirs)?);
    loop {
        let order = match (&one, &other) {
            (None, None) => return Ok(diff),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.name.cmp(&other.name),
        };
        // A name that stands twice in one file is met again with nothing on the other side.
        let mine = one.filter(|_| order != Ordering::Greater);
        let yours = other.filter(|_| order != Ordering::Less);
        if mine != yours {
            diff.note(line(mine, yours), most);
        }
        if mine.is_some() {
            one = ours.take(&mut diff.ours)?;
        }
        if yours.is_some() {
            other = theirs.take(&mut diff.theirs)?;
        }
    }
}

fn line(ours: Option<Row>, theirs: Option<Row>) -> Line {
    let row = ours.or(theirs).expect("one of them was met");
    let mut also = Vec::new();
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        let mut compare = |column, ours: String, theirs: String| {
            if ours != theirs {
                also.push((column, ours, theirs));
            }
        };
        compare("payer", ours.payer.to_string(), theirs.payer.to_string());
        compare("payee", ours.payee.to_string(), theirs.payee.to_string());
        compare("use", words::usage(ours.usage).to_owned(), words::usage(theirs.usage).to_owned());
    }
    let (index, place, line) = row.name;
    Line {
        row: format!("{index}-{place}-{line}"),
        payer: row.payer,
        payee: row.payee,
        usage: Some(row.usage),
        ours: ours.map(|row| row.fen),
        theirs: theirs.map(|row| row.fen),
        also,
    }
}

/// Reads a file once: whose it is, and whether its rows are in order.
fn look(path: &Path) -> Result<(Copy, bool), Problem> {
    let mut copy = Copy::new(path);
    let mut records = open(path)?;
    let (mut sorted, mut last) = (true, None);
    let mut look = || -> Result<(), String> {
        while records.advance()? {
            let name = records.read("row", name)?;
            if last.is_none() {
                copy.identity.of_row(&records)?;
            }
            sorted &= last.is_none_or(|last| last <= name);
            last = Some(name);
        }
        Ok(())
    };
    look().map_err(|why| unread(path, &why))?;
    Ok((copy, sorted))
}

/// Rows in order.
enum Rows {
    /// As they stand in the file.
    Passing(Records<File>, Option<(Province, Province)>),
    /// Held, because they did not stand in order.
    Held(vec::IntoIter<Row>, u64),
}

impl Rows {
    fn open(path: &Path, sorted: bool, between: Option<(Province, Province)>) -> Result<Rows, Problem> {
        let mut records = open(path)?;
        if sorted {
            return Ok(Rows::Passing(records, between));
        }
        let (mut rows, mut passed_over) = (Vec::new(), 0);
        while let Some(row) =
            next(&mut records, between, &mut passed_over).map_err(|why| unread(path, &why))?
        {
            rows.push(row);
        }
        rows.sort_by_key(|row| row.name);
        Ok(Rows::Held(rows.into_iter(), passed_over))
    }

    /// The next row, counted in.
    fn take(&mut self, copy: &mut Copy) -> Result<Option<Row>, Problem> {
        let row = match self {
            Rows::Passing(records, between) => {
                next(records, *between, &mut copy.passed_over).map_err(|why| unread(&copy.path, &why))?
            }
            Rows::Held(rows, passed_over) => {
                copy.passed_over += std::mem::take(passed_over);
                rows.next()
            }
        };
        if let Some(row) = &row {
            copy.rows += 1;
            copy.fen += row.fen;
        }
        Ok(row)
    }
}

/// The next row that is compared.
fn next(
    records: &mut Records<File>,
    between: Option<(Province, Province)>,
    passed_over: &mut u64,
) -> Result<Option<Row>, String> {
    while records.advance()? {
        let (payer, payee) = (records.read("payer", area)?, records.read("payee", area)?);
        if !concerns(between, payer, payee) {
            *passed_over += 1;
            continue;
        }
        let said = words::meant(records.cell("use")?, &words::USES, words::usage);
        let usage =
            said.ok_or_else(|| format!("line {}: what it was used for is not understood", records.line()))?;
        let (name, fen) = (records.read("row", name)?, records.read("amount", yuan::parse)?);
        return Ok(Some(Row { name, payer, payee, usage, fen }));
    }
    Ok(None)
}

/// `1311-0-2`.
fn name(text: &str) -> Option<Name> {
    let mut parts = text.split('-');
    let name = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(name)
}
