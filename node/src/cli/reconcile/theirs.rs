//! The rows of the other side, and the comparison with the ledger's.

use crate::problem::Problem;
use crate::statement::read::Records;
use crate::statement::yuan;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The columns of amounts, in the order of [`Parts`].
const AMOUNTS: [&str; 4] = ["psn_part_amt", "acct_pay", "acct_mulaid_pay", "psn_cash_pay"];

/// A personal share and its parts, in fen: own account, mutual aid, cash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts(pub [i128; 4]);

impl Parts {
    /// The sum of two.
    pub fn plus(mut self, other: Parts) -> Parts {
        self.0.iter_mut().zip(other.0).for_each(|(one, other)| *one += other);
        self
    }
}

/// What a row of the day is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The settlement, the refund, or the undoing of one: `1311-0`.
    pub id: String,
    /// A refund.
    pub refund: bool,
    /// The undoing of a refund.
    pub undone: bool,
}

impl Row {
    /// What it is, where it is no settlement.
    pub fn kind(&self) -> &'static str {
        match (self.refund, self.undone) {
            (true, _) => " 退费",
            (false, true) => " 撤销退费",
            (false, false) => "",
        }
    }
}

/// What came of a row (stmt_rslt).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Both sides have the same.
    Balanced,
    /// Only the ledger has it.
    CentreMore,
    /// Only the other side has it.
    InstitutionMore,
    /// Both have it, with other amounts.
    Differ,
}

impl Said {
    /// What a row may come to, in the order of codes.
    const ALL: [Said; 4] = [Said::Balanced, Said::CentreMore, Said::InstitutionMore, Said::Differ];

    /// The code that institutions know.
    pub fn code(self) -> u8 {
        match self {
            Said::Balanced => 0,
            Said::CentreMore => 1,
            Said::InstitutionMore => 2,
            Said::Differ => 3,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Said::Balanced => "平 balanced",
            Said::CentreMore => "中心多 centre has more",
            Said::InstitutionMore => "机构多 institution has more",
            Said::Differ => "数据不一致 data differ",
        }
    }
}

/// A row that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub row: Row,
    /// The ledger's amounts.
    pub centre: Option<Parts>,
    /// The other side's.
    pub theirs: Option<Parts>,
}

impl Difference {
    /// What it came to.
    pub fn said(&self) -> Said {
        match (self.centre, self.theirs) {
            (Some(_), None) => Said::CentreMore,
            (None, _) => Said::InstitutionMore,
            (Some(centre), Some(theirs)) if centre == theirs => Said::Balanced,
            (Some(_), Some(_)) => Said::Differ,
        }
    }
}

/// The rows of the other side, by their ids.
#[derive(Clone, Debug, Default)]
pub struct Theirs(HashMap<String, Parts>);

impl Theirs {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is missing, lacks a column, or says something that is not understood.
    pub fn read(path: &Path) -> Result<Theirs, Problem> {
        let cannot = |why: String| {
            let columns = format!("it needs the columns setl_id, {}", AMOUNTS.join(", "));
            Problem::usage(format!("cannot read {}", path.display())).because(why).next(columns)
        };
        let file = File::open(path).map_err(|why| cannot(why.to_string()))?;
        Theirs::from_reader(file).map_err(cannot)
    }

    /// Reads csv.
    ///
    /// # Errors
    /// In words.
    pub fn from_reader(file: impl Read) -> Result<Theirs, String> {
        let mut records = Records::begin(file)?;
        let mut rows = HashMap::new();
        while records.advance()? {
            let id = records.read("setl_id", |said| (!said.is_empty()).then(|| said.to_owned()))?;
            let mut parts = Parts::default();
            for (part, column) in parts.0.iter_mut().zip(AMOUNTS) {
                *part = records.read(column, yuan::parse)?;
            }
            if rows.insert(id.clone(), parts).is_some() {
                return Err(format!("line {}: {id} stands there twice", records.line()));
            }
        }
        Ok(Theirs(rows))
    }

    /// Begins to compare; lists `most` differences.
    pub fn compare(self, most: usize) -> Comparing {
        let sum = self.0.values().fold(Parts::default(), |sum, parts| sum.plus(*parts));
        let compared = Compared {
            centre: (0, Parts::default()),
            theirs: (self.0.len() as u64, sum),
            counted: Said::ALL.map(|said| (said, 0)),
            differences: Vec::new(),
        };
        Comparing { left: self.0, most, compared }
    }
}

/// A comparison under way.
pub struct Comparing {
    left: HashMap<String, Parts>,
    most: usize,
    compared: Compared,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The ledger's rows, and their sums.
    pub centre: (u64, Parts),
    /// The other side's.
    pub theirs: (u64, Parts),
    /// How many rows came to what.
    pub counted: [(Said, u64); 4],
    /// Rows that differ, as many as were asked for: the ledger's in the order of the log, then the other side's.
    pub differences: Vec<Difference>,
}

impl Comparing {
    /// A row of the ledger.
    pub fn row(&mut self, row: Row, parts: Parts) {
        self.compared.centre.0 += 1;
        self.compared.centre.1 = self.compared.centre.1.plus(parts);
        let theirs = self.left.remove(&row.id);
        self.note(Difference { row, centre: Some(parts), theirs });
    }

    /// All rows of the ledger have been seen.
    pub fn end(mut self) -> Compared {
        let mut left: Vec<(String, Parts)> = self.left.drain().collect();
        left.sort_by_key(|(id, _)| (place(id), id.clone()));
        for (id, parts) in left {
            let row = Row { id, refund: false, undone: false };
            self.note(Difference { row, centre: None, theirs: Some(parts) });
        }
        self.compared
    }

    fn note(&mut self, difference: Difference) {
        let said = difference.said();
        self.compared.counted[usize::from(said.code())].1 += 1;
        if said != Said::Balanced && self.compared.differences.len() < self.most {
            self.compared.differences.push(difference);
        }
    }
}

impl Compared {
    /// Whether no row differs.
    pub fn is_balanced(&self) -> bool {
        self.differing() == 0
    }

    /// How many rows differ.
    pub fn differing(&self) -> u64 {
        self.counted.iter().filter(|(said, _)| *said != Said::Balanced).map(|(_, rows)| rows).sum()
    }
}

/// Where an id stands in the log; what is none stands behind all.
fn place(id: &str) -> (u64, u32) {
    let place =
        id.split_once('-').and_then(|(index, place)| Some((index.parse().ok()?, place.parse().ok()?)));
    place.unwrap_or((u64::MAX, u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str) -> Row {
        Row { id: id.into(), refund: false, undone: false }
    }

    #[test]
    fn each_row_comes_to_one_of_four() {
        let file = "\u{feff}结算号 setl_id,acct_pay,acct_mulaid_pay,psn_cash_pay,个人负担 psn_part_amt\r\n\
                    \"1-0\t\",1.00,2.00,3.00,6.00\r\n\"9-0\t\",0,0,1,1\r\n2-0,0,1,0,1\r\n10-0,0,0,1,1\r\n";
        let mut comparing = Theirs::from_reader(file.as_bytes()).expect("rows").compare(3);
        comparing.row(row("1-0"), Parts([600, 100, 200, 300]));
        comparing.row(row("2-0"), Parts([100, 100, 0, 0]));
        comparing.row(row("3-0"), Parts([5, 0, 5, 0]));
        let compared = comparing.end();
        let said: Vec<_> = compared.differences.iter().map(|one| (one.row.id.as_str(), one.said())).collect();
        assert_eq!(said, [("2-0", Said::Differ), ("3-0", Said::CentreMore), ("9-0", Said::InstitutionMore)]);
        assert_eq!(compared.counted.map(|(_, rows)| rows), [1, 1, 2, 1]);
        assert_eq!((compared.differing(), compared.is_balanced()), (4, false));
        assert_eq!((compared.centre.1.0[0], compared.theirs.1.0[0]), (705, 900));
    }

    #[test]
    fn a_file_that_is_not_understood_says_where() {
        let problem = |file: &str| Theirs::from_reader(file.as_bytes()).expect_err("no");
        assert!(problem("setl_id,acct_pay\n1-0,1").contains("no column \"psn_part_amt\""));
        let head = "setl_id,psn_part_amt,acct_pay,acct_mulaid_pay,psn_cash_pay\n";
        assert!(
            problem(&format!("{head}1-0,1,1,0,0\n1-0,1,1,0,0")).contains("line 3: 1-0 stands there twice")
        );
        assert!(problem(&format!("{head},1,1,0,0")).contains("column \"setl_id\""));
        assert!(problem(&format!("{head}1-0,1.001,1,0,0")).contains("\"1.001\" is not understood"));
    }
}
