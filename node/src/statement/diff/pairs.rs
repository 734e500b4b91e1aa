//! Pages of pairs compared: what each of two areas owes the other, and what comes of each use.

use super::{Copy, Diff, Line, Page, area, begin, concerns, open, unread};
use crate::problem::Problem;
use crate::statement::{words, yuan};
use ledger::Area;
use std::collections::BTreeMap;
use std::path::Path;

/// The columns of the uses, in the order of keys.
const BY_USE: [&str; words::USES.len()] =
    ["net institutions", "net pharmacies", "net resident premiums", "net care premiums", "net other"];

/// What is owed from the area with the smaller code to the other, back, and what comes back by use less what goes.
type Between = (i128, i128, [i128; BY_USE.len()]);
type Pairs = BTreeMap<(Area, Area), Between>;

pub fn diff(ours: &Path, theirs: &Path, most: usize) -> Result<Diff, Problem> {
    let (one, our_pairs) = read(ours)?;
    let (other, their_pairs) = read(theirs)?;
    let mut diff = begin(Page::Summary, one, other)?;
    let between = diff.between;
    let keep = |pairs: &Pairs, copy: &mut Copy| -> Pairs {
        let (kept, passed): (Pairs, Pairs) = pairs
            .iter()
            .map(|(name, pair)| (*name, *pair))
            .partition(|((a, b), _)| concerns(between, *a, *b));
        copy.passed_over = passed.len() as u64;
        copy.rows = kept.len() as u64;
        copy.fen = kept.values().map(|(there, back, _)| there + back).sum();
        kept
    };
    let (our_pairs, their_pairs) = (keep(&our_pairs, &mut diff.ours), keep(&their_pairs, &mut diff.theirs));
    let mut names: Vec<(Area, Area)> = our_pairs.keys().chain(their_pairs.keys()).copied().collect();
    names.sort_unstable();
    names.dedup();
    for (payer, payee) in names {
        let pair = (our_pairs.get(&(payer, payee)), their_pairs.get(&(payer, payee)));
        let mut note = |payer, payee, usage, pick: &dyn Fn(&Between) -> i128| {
            let (ours, theirs) = (pair.0.map(pick), pair.1.map(pick));
            // A pair without a row owes nothing.
            if ours.unwrap_or_default() != theirs.unwrap_or_default() {
                diff.note(
                    Line { row: String::new(), payer, payee, usage, ours, theirs, also: Vec::new() },
                    most,
                );
            }
        };
        note(payer, payee, None, &|pair| pair.0);
        note(payee, payer, None, &|pair| pair.1);
        // Uses are told apart where their sum is the same.
        if pair.0.map(|pair| (pair.0, pair.1)) == pair.1.map(|pair| (pair.0, pair.1)) {
            for (place, usage) in words::USES.into_iter().enumerate() {
                note(payer, payee, Some(usage), &|pair| -pair.2[place]);
            }
        }
    }
    Ok(diff)
}

fn read(path: &Path) -> Result<(Copy, Pairs), Problem> {
    let mut copy = Copy::new(path);
    let mut pairs = Pairs::new();
    let mut records = open(path)?;
    let mut read = || -> Result<(), String> {
        let mut first = true;
        while records.advance()? {
            if std::mem::take(&mut first) {
                copy.identity.of_row(&records)?;
            }
            let (ours, theirs) = (records.read("our area", area)?, records.read("their area", area)?);
            let (payable, receivable) =
                (records.read("payable", yuan::parse)?, records.read("receivable", yuan::parse)?);
            let mut nets = [0; BY_USE.len()];
            for (net, column) in nets.iter_mut().zip(BY_USE) {
                *net = records.read(column, yuan::parse)?;
            }
            let turned = theirs < ours;
            let pair = match turned {
                false => (payable, receivable, nets),
                true => (receivable, payable, nets.map(|net| -net)),
            };
            let name = if turned { (theirs, ours) } else { (ours, theirs) };
            if pairs.insert(name, pair).is_some() {
                return Err(format!("line {}: {ours} and {theirs} stand there twice", records.line()));
            }
        }
        Ok(())
    };
    read().map_err(|why| unread(path, &why))?;
    Ok((copy, pairs))
}
