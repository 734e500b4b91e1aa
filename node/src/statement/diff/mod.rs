//! Two statements compared: a province's with another copy of it, or with a counterparty's, whose receivable is our payable.
//!
//! Totals first, as in the reconciliation with institutions: the pages of pairs, held in memory, some thousands of rows.
//! Then the details, row by row by their names. Both files are read twice, and their rows merged as they come, so that
//! millions take no memory; only a file whose rows are not in order is held, some 100 bytes a row, and sorted.

mod details;
#[cfg(test)]
mod fuzz;
mod pairs;

use super::files::failed;
use super::read::Records;
use super::{words, yuan};
use crate::problem::{Exit, Problem};
use ledger::table::Use;
use ledger::{Area, Province};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// What came of a comparison of two pages.
#[derive(Clone, Debug)]
pub struct Diff {
    /// Which pages.
    pub page: Page,
    /// Our page.
    pub ours: Copy,
    /// Theirs.
    pub theirs: Copy,
    /// The two provinces, when they are two: then only rows that concern both are compared.
    pub between: Option<(Province, Province)>,
    /// Only we have them.
    pub only_ours: Count,
    /// Only they have them.
    pub only_theirs: Count,
    /// Both have them, and they differ: by how much ours are more.
    pub different: Count,
    /// The differences, in the order of the rows, as many as were asked for.
    pub lines: Vec<Line>,
}

/// Which pages were compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Pairs of areas.
    Summary,
    /// Movements.
    Details,
}

/// One of two pages.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Its file.
    pub path: PathBuf,
    /// Its month and province, as far as it says.
    pub identity: Identity,
    /// Rows that were compared.
    pub rows: u64,
    /// Their sum, in fen.
    pub fen: i128,
    /// Rows that do not concern the other province.
    pub passed_over: u64,
}

/// Which statement a page belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The month: `2026-10`.
    pub month: Option<String>,
    /// Whose.
    pub province: Option<Province>,
    /// Made while the month was open.
    pub preliminary: bool,
}

/// Rows, and what they come to in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub rows: u64,
    /// Their sum.
    pub fen: i128,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The row's name; empty on a page of pairs.
    pub row: String,
    /// Who owes, in our eyes.
    pub payer: Area,
    /// Whom.
    pub payee: Area,
    /// What for; none for what is over all uses.
    pub usage: Option<Use>,
    /// Our amount, in fen; none when only they have the row.
    pub ours: Option<i128>,
    /// Theirs; none when only we have the row.
    pub theirs: Option<i128>,
    /// What differs beside the amount: column, ours, theirs.
    pub also: Vec<(&'static str, String, String)>,
}

impl Diff {
    /// Whether nothing differs.
    pub fn is_equal(&self) -> bool {
        [self.only_ours, self.only_theirs, self.different].iter().all(|count| count.rows == 0)
    }

    fn note(&mut self, line: Line, most: usize) {
        let (count, fen) = match (line.ours, line.theirs) {
            (Some(fen), None) => (&mut self.only_ours, fen),
            (None, theirs) => (&mut self.only_theirs, theirs.unwrap_or_default()),
            (Some(ours), Some(theirs)) => (&mut self.different, ours - theirs),
        };
        count.rows += 1;
        count.fen += fen;
        if self.lines.len() < most {
            self.lines.push(line);
        }
    }
}

/// Compares two pages, or all pages of two folders. Lists no more than `most` differences of a page.
///
/// # Errors
/// When a file is missing, is no page of a statement, or belongs to another month.
pub fn diff(ours: &Path, theirs: &Path, most: usize) -> Result<Vec<Diff>, Problem> {
    let pairs = match (ours.is_dir(), theirs.is_dir()) {
        (true, true) => {
            let pages = ["-summary.csv", "-details.csv"];
            let found = pages.map(|page| Ok((only(ours, page)?, only(theirs, page)?)));
            found.into_iter().collect::<Result<Vec<_>, Problem>>()?
        }
        (false, false) => vec![(ours.to_owned(), theirs.to_owned())],
        (_, is_folder) => {
            let folder = if is_folder { theirs } else { ours };
            let problem =
                Problem::usage(format!("{} is a folder, and the other is a file", folder.display()));
            return Err(problem.next("give two files, or two folders with a statement each"));
        }
    };
    pairs.iter().map(|(ours, theirs)| pages(ours, theirs, most)).collect()
}

/// The only file of a folder whose name ends like this.
fn only(folder: &Path, ending: &str) -> Result<PathBuf, Problem> {
    let listed = fs::read_dir(folder).map_err(|why| failed("read", folder, &why))?;
    let mut found: Vec<PathBuf> = listed
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("gongji-") && name.ends_with(ending)
        })
        .collect();
    found.sort();
    match (found.pop(), found.is_empty()) {
        (Some(path), true) => Ok(path),
        (Some(_), false) => Err(Problem::usage(format!("{} holds several statements", folder.display()))
            .next("name the two files")),
        (None, _) => {
            Err(Problem::new(Exit::NotFound, format!("{} holds no gongji-*{ending}", folder.display()))
                .next("gongji statement build MONTH --province NN --out DIR"))
        }
    }
}

fn pages(ours: &Path, theirs: &Path, most: usize) -> Result<Diff, Problem> {
    let (first, second) = (kind(ours)?, kind(theirs)?);
    if first != second {
        let what = format!("{} and {} are different pages of a statement", ours.display(), theirs.display());
        return Err(Problem::usage(what).next("compare details with details, or a summary with a summary"));
    }
    match first {
        Page::Summary => pairs::diff(ours, theirs, most),
        Page::Details => details::diff(ours, theirs, most),
    }
}

/// Which page a file is, by its headings.
fn kind(path: &Path) -> Result<Page, Problem> {
    let records = open(path)?;
    if records.has("row") && records.has("payer") && records.has("amount") {
        Ok(Page::Details)
    } else if records.has("our area") && records.has("payable") {
        Ok(Page::Summary)
    } else {
        let why = "its first line has neither the columns of details (row, payer, payee, use, amount) nor those of a \
                   summary (our area, their area, payable, receivable)";
        let next = "a workbook is compared by its csv files; save another's as csv with these columns";
        Err(Problem::usage(format!("{} is no page of a statement", path.display())).because(why).next(next))
    }
}

fn open(path: &Path) -> Result<Records<File>, Problem> {
    let file = File::open(path).map_err(|why| failed("read", path, &why))?;
    Records::begin(file).map_err(|why| unread(path, &why))
}

fn unread(path: &Path, why: &str) -> Problem {
    Problem::usage(format!("cannot read {}", path.display())).because(why)
}

impl Copy {
    fn new(path: &Path) -> Copy {
        let identity = Identity::of_name(path);
        Copy { path: path.to_owned(), identity, rows: 0, fen: 0, passed_over: 0 }
    }
}

impl Identity {
    /// As the name of a file tells: `gongji-2026-10-44-details.csv`. An empty page tells nothing else.
    fn of_name(path: &Path) -> Identity {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(rest) = name.strip_prefix("gongji-") else { return Identity::default() };
        let (month, rest) = rest.split_at_checked(7).unwrap_or_default();
        let province = rest.strip_prefix('-').and_then(|rest| rest.get(..2)).and_then(province);
        let month = province.map(|_| month.to_owned());
        Identity { month, province, preliminary: rest.contains("-open") }
    }

    /// As a row tells.
    fn of_row<R: std::io::Read>(&mut self, records: &Records<R>) -> Result<(), String> {
        if records.has("month") {
            let cell = String::from_utf8_lossy(records.cell("month")?).into_owned();
            self.preliminary = words::english(cell.as_bytes()) == "preliminary";
            self.month = cell.get(..7).map(str::to_owned);
        }
        if records.has("province") {
            self.province = Some(records.read("province", province)?);
        }
        Ok(())
    }
}

fn province(code: &str) -> Option<Province> {
    code.parse().ok().and_then(Province::new)
}

fn area(code: &str) -> Option<Area> {
    code.parse().ok().and_then(Area::new)
}

/// An empty comparison of two pages that belong together.
fn begin(page: Page, ours: Copy, theirs: Copy) -> Result<Diff, Problem> {
    if let (Some(one), Some(other)) = (&ours.identity.month, &theirs.identity.month)
        && one != other
    {
        return Err(Problem::usage(format!("one statement is of {one}, the other of {other}")));
    }
    let between = ours.identity.province.zip(theirs.identity.province).filter(|(one, other)| one != other);
    let none = Count::default();
    Ok(Diff {
        page,
        ours,
        theirs,
        between,
        only_ours: none,
        only_theirs: none,
        different: none,
        lines: Vec::new(),
    })
}

/// Whether a row between these areas is compared.
fn concerns(between: Option<(Province, Province)>, payer: Area, payee: Area) -> bool {
    between.is_none_or(|(one, other)| {
        let areas = (payer.province(), payee.province());
        areas == (one, other) || areas == (other, one)
    })
}

/// A difference for people.
pub fn amount(fen: Option<i128>) -> String {
    fen.map_or_else(String::new, yuan::grouped)
}
