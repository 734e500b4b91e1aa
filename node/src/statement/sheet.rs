//! A page of a statement as columns and cells, and as csv: every page is told once, and written twice.

use super::yuan;
use std::borrow::Cow;
use std::io::{self, Write};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ids and codes: text, whatever they look like.
    Id,
    /// Words for people.
    Words,
    /// Amounts in yuan.
    Money,
    /// Numbers of things.
    Count,
    /// Dates like 2026-10-03.
    Day,
}

/// A column, with its heading in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The heading in Chinese.
    pub zh: &'static str,
    /// The heading in English: columns are found by it when a file is read.
    pub en: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// How wide it is on a sheet, in digits.
    pub width: u8,
}

/// Makes a column.
pub const fn column(zh: &'static str, en: &'static str, kind: Kind, width: u8) -> Column {
    Column { zh, en, kind, width }
}

/// What stands in a row of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Text of any kind.
    Text(Cow<'static, str>),
    /// An amount, in fen.
    Money(i128),
    /// A number of things.
    Count(u64),
    /// Nothing: it does not apply.
    Blank,
}

/// Text that is made here.
pub fn text(text: impl Into<Cow<'static, str>>) -> Cell {
    Cell::Text(text.into())
}

/// A page that is small enough to be held.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Its name on the tab.
    pub name: &'static str,
    /// Its name as a file.
    pub file: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
    /// How many columns stay in sight when the others move.
    pub frozen: u16,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
    /// Rows below that add others up: not in the csv, where they would be added up again.
    pub totals: Vec<Vec<Cell>>,
}

impl Sheet {
    /// The page as csv.
    ///
    /// # Errors
    /// Of `out`.
    pub fn write_csv(&self, out: impl Write) -> io::Result<()> {
        let mut csv = Csv::begin(out, self.columns)?;
        for row in &self.rows {
            csv.row(row)?;
        }
        csv.end().map(drop)
    }
}

/// A page of csv under way: UTF-8 with a byte order mark, lines that end as spreadsheets end them, text in quotes.
///
/// An id is followed by a tab within its quotes, as payment providers' bills have it: a spreadsheet would take `10-1` for
/// a day of October and `320500` for a number, whether in quotes or not.
pub struct Csv<W: Write> {
    out: csv::Writer<W>,
    columns: &'static [Column],
}

/// A byte order mark: without it spreadsheets take UTF-8 for something else.
pub const MARK: &[u8] = b"\xef\xbb\xbf";

impl<W: Write> Csv<W> {
    /// Writes the headings.
    ///
    /// # Errors
    /// Of `out`.
    pub fn begin(mut out: W, columns: &'static [Column]) -> io::Result<Csv<W>> {
        out.write_all(MARK)?;
        let mut out = csv::WriterBuilder::new()
            .quote_style(csv::QuoteStyle::NonNumeric)
            .terminator(csv::Terminator::CRLF)
            .from_writer(out);
        out.write_record(columns.iter().map(|column| format!("{} {}", column.zh, column.en)))?;
        Ok(Csv { out, columns })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// Of the output.
    pub fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        for (column, cell) in self.columns.iter().zip(cells) {
            match cell {
                Cell::Text(text) if column.kind == Kind::Id => self.out.write_field(format!("{text}\t"))?,
                Cell::Text(text) => self.out.write_field(text.as_bytes())?,
                Cell::Money(fen) => self.out.write_field(yuan::text(*fen))?,
                Cell::Count(count) => self.out.write_field(count.to_string())?,
                Cell::Blank => self.out.write_field("")?,
            }
        }
        self.out.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    /// Of the output.
    pub fn end(self) -> io::Result<W> {
        self.out.into_inner().map_err(|problem| io::Error::other(problem.error().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        column("编号", "id", Kind::Id, 10),
        column("说明", "words", Kind::Words, 10),
        column("金额", "amount", Kind::Money, 10),
        column("笔数", "count", Kind::Count, 10),
    ];

    #[test]
    fn ids_are_text_and_amounts_are_numbers() {
        let rows = vec![
            vec![text("10-1"), text("支付 \"一\", pay"), Cell::Money(-320), Cell::Count(7)],
            vec![text("320500"), Cell::Blank, Cell::Money(0), Cell::Blank],
        ];
        let sheet = Sheet { name: "", file: "", columns: COLUMNS, frozen: 0, rows, totals: Vec::new() };
        let mut out = Vec::new();
        sheet.write_csv(&mut out).expect("a vector takes bytes");
        let should = "\u{feff}\"编号 id\",\"说明 words\",\"金额 amount\",\"笔数 count\"\r\n\
                      \"10-1\t\",\"支付 \"\"一\"\", pay\",-3.20,7\r\n\
                      \"320500\t\",\"\",0.00,\"\"\r\n";
        assert_eq!(String::from_utf8(out).expect("UTF-8"), should);
    }
}
