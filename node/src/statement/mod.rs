//! A province's statement of a month: what its areas owe and are owed, as a workbook and as csv files.
//!
//! [`facts`] is what is told, and the movements pass by as they are read. [`summary`] and [`check`] are pure functions of
//! them that make pages ([`sheet`]); [`Statement`] writes pages and movements to [`files`]. [`diff`] compares two
//! statements.

pub mod check;
pub mod details;
pub mod diff;
pub mod facts;
pub mod read;
pub mod sheet;
pub mod summary;
pub mod yuan;

mod book;
mod files;
mod words;

#[cfg(test)]
mod tests;

pub use files::Written;

use crate::problem::Problem;
use check::Item;
use details::{DETAILS, Tally};
use facts::Facts;
use files::Draft;
use ledger::movements::Movement;
use read::Records;
use sheet::{Csv, Sheet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A statement under way. Dropped before its end it leaves no file behind.
pub struct Statement {
    dir: PathBuf,
    details_max: u64,
    details: Csv<Draft>,
    facts: Facts,
    tally: Tally,
}

/// A statement that is written.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its files.
    pub files: Vec<Written>,
    /// What was told and compared.
    pub items: Vec<Item>,
    /// What the province owes others, and is owed, in fen, by the pages.
    pub across: (i128, i128),
    /// What areas inside the province owe one another, in fen.
    pub inside: i128,
    /// With how many areas of others there is anything to settle.
    pub counterparties: usize,
    /// What the movements come to.
    pub tally: Tally,
}

impl Report {
    /// Whether everything that was compared agrees.
    pub fn agrees(&self) -> bool {
        self.items.iter().all(|item| item.agrees() != Some(false))
    }
}

impl Statement {
    /// Begins the files in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// When they cannot be begun.
    pub fn begin(facts: Facts, dir: &Path) -> Result<Statement, Problem> {
        std::fs::create_dir_all(dir).map_err(|why| files::failed("make", dir, &why))?;
        let draft = Draft::begin(dir, format!("{}-details.csv", facts.name()))?;
        let details = Csv::begin(draft, DETAILS).map_err(|why| files::failed("write", dir, &why))?;
        Ok(Statement {
            dir: dir.to_owned(),
            details_max: book::DETAILS_MAX,
            details,
            facts,
            tally: Tally::default(),
        })
    }

    /// Writes a movement; they come in the order of the log.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn movement(&mut self, movement: &Movement) -> Result<(), Problem> {
        self.tally.add(movement);
        let row = details::row(&self.facts, movement);
        self.details.row(&row).map_err(|why| files::failed("write", &self.dir, &why))
    }

    /// Writes everything else, and gives the files their names.
    ///
    /// # Errors
    /// When something cannot be written: then no file has changed, but perhaps the last ones to be renamed.
    pub fn end(self) -> Result<Report, Problem> {
        let Statement { dir, details_max, details, facts, tally } = self;
        let mut details = details.end().map_err(|why| files::failed("write", &dir, &why))?;
        let pairs = summary::pairs(&facts);
        let (summary, provinces) = (summary::summary(&facts, &pairs), summary::provinces(&facts, &pairs));

        let mut written = Vec::new();
        let mut drafts = Vec::new();
        for sheet in [&summary, &provinces] {
            let mut draft = csv(&dir, &facts, sheet)?;
            written.push(draft.finish()?);
            drafts.push(draft);
        }
        written.push(details.finish()?);
        let items = check::items(&facts, &pairs, &tally, &written);
        let check = check::sheet(&items);
        let mut draft = csv(&dir, &facts, &check)?;
        written.push(draft.finish()?);
        drafts.push(draft);

        let mut draft = Draft::begin(&dir, format!("{}.xlsx", facts.name()))?;
        let rows = match tally.rows > details_max {
            true => book::Details::Elsewhere(details.name().to_owned()),
            false => book::Details::Rows(Box::new(again(&details)?)),
        };
        let pages = [&summary, &provinces, &check];
        let made = book::write(&mut draft, &facts, pages, "明细 Details", DETAILS, rows);
        made.map_err(|why| draft.failed(&io::Error::other(why)))?;
        written.push(draft.finish()?);
        drafts.extend([details, draft]);
        files::publish(&dir, drafts)?;

        let sum = |inside: bool, amount: fn(&summary::Pair) -> i128| -> i128 {
            pairs.iter().filter(|pair| pair.is_inside() == inside).map(amount).sum()
        };
        let across = (sum(false, |pair| pair.payable.amount), sum(false, |pair| pair.receivable.amount));
        let inside = sum(true, |pair| pair.payable.amount + pair.receivable.amount);
        let mut others: Vec<_> =
            pairs.iter().filter(|pair| !pair.is_inside()).map(|pair| pair.theirs).collect();
        others.sort_unstable();
        others.dedup();
        Ok(Report { files: written, items, across, inside, counterparties: others.len(), tally })
    }
}

/// A small page as csv.
fn csv(dir: &Path, facts: &Facts, sheet: &Sheet) -> Result<Draft, Problem> {
    let mut draft = Draft::begin(dir, format!("{}-{}.csv", facts.name(), sheet.file))?;
    sheet.write_csv(&mut draft).map_err(|why| draft.failed(&why))?;
    Ok(draft)
}

/// The details that were just written, to be read again.
fn again(details: &Draft) -> Result<Records<File>, Problem> {
    let file = File::open(details.temporary()).map_err(|why| details.failed(&why))?;
    Records::begin(file).map_err(|why| details.failed(&io::Error::other(why)))
}
