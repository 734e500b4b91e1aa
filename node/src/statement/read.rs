//! A page of csv read back: ours, or one that passed through somebody's spreadsheet.
//!
//! Columns are found by their English, in any order and in any case; cells lose the spaces and tabs around them. So it does
//! not matter whether a spreadsheet saved the Chinese in UTF-8 or in GBK.

use super::sheet::{Cell, Column, Kind, MARK, text};
use super::{words, yuan};
use csv::ByteRecord;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

/// The rows of a csv, one at a time.
pub struct Records<R: Read> {
    rows: csv::Reader<BufReader<R>>,
    columns: HashMap<String, usize>,
    record: ByteRecord,
}

impl<R: Read> Records<R> {
    /// Reads the headings.
    ///
    /// # Errors
    /// In words: no heading, or none that can be read.
    pub fn begin(file: R) -> Result<Records<R>, String> {
        let mut file = BufReader::with_capacity(1 << 18, file);
        let start = file.fill_buf().map_err(|problem| problem.to_string())?;
        if start.starts_with(MARK) {
            file.consume(MARK.len());
        }
        // A carriage return before the end of a line goes with the spaces; counted as an end of its own, lines would be
        // numbered wrongly.
        let terminator = csv::Terminator::Any(b'\n');
        let mut rows = csv::ReaderBuilder::new().flexible(true).terminator(terminator).from_reader(file);
        let headings = rows.byte_headers().map_err(|problem| problem.to_string())?;
        let columns =
            headings.iter().enumerate().map(|(place, name)| (words::english(name), place)).collect();
        Ok(Records { rows, columns, record: ByteRecord::new() })
    }

    /// Whether there is a column of this name.
    pub fn has(&self, name: &str) -> bool {
        self.columns.contains_key(name)
    }

    /// Goes on to the next row; false behind the last. Rows without anything in them are passed over.
    ///
    /// # Errors
    /// In words, with the line.
    pub fn advance(&mut self) -> Result<bool, String> {
        loop {
            if !self.rows.read_byte_record(&mut self.record).map_err(|problem| problem.to_string())? {
                return Ok(false);
            }
            self.record.trim();
            if self.record.iter().any(|cell| !cell.is_empty()) {
                return Ok(true);
            }
        }
    }

    /// The line of the row at hand, from 1.
    pub fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    /// A cell of the row at hand; empty where the row is shorter.
    ///
    /// # Errors
    /// In words: there is no such column.
    pub fn cell(&self, name: &str) -> Result<&[u8], String> {
        let place = self.columns.get(name).ok_or_else(|| format!("there is no column {name:?}"))?;
        Ok(self.record.get(*place).unwrap_or_default())
    }

    /// What a cell says, as `read` understands it.
    ///
    /// # Errors
    /// In words, with the line and the column.
    pub fn read<T>(&self, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        let cell = self.cell(name)?;
        let said = std::str::from_utf8(cell).ok().and_then(read);
        let shown = String::from_utf8_lossy(cell);
        said.ok_or_else(|| format!("line {}, column {name:?}: {shown:?} is not understood", self.line()))
    }

    /// The next row as it was before it was written; none behind the last.
    ///
    /// # Errors
    /// In words.
    pub fn cells(&mut self, columns: &[Column]) -> Result<Option<Vec<Cell>>, String> {
        if !self.advance()? {
            return Ok(None);
        }
        let cell = |column: &Column| {
            if self.cell(column.en)?.is_empty() {
                return Ok(Cell::Blank);
            }
            match column.kind {
                Kind::Money => self.read(column.en, yuan::parse).map(Cell::Money),
                Kind::Count => self.read(column.en, |said| said.parse().ok()).map(Cell::Count),
                Kind::Id | Kind::Words | Kind::Day => {
                    self.read(column.en, |said| Some(text(said.to_owned())))
                }
            }
        };
        columns.iter().map(cell).collect::<Result<_, _>>().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::sheet::column;

    #[test]
    fn fuzz_csv() {
        let page =
            "\u{feff}金额 Amount,行号 row,说明 Words\r\n\"1,234.50\",1,\"a \"\"b\"\"\"\r\n-7.00,2,\r\n";
        let words: &[&[u8]] =
            &[b"\"", b",", b"\r\n", b"\xef\xbb\xbf", b"-", b"99999999999999999999999999999999"];
        let test = "-p node --bin gongji fuzz_csv";
        let samples = vec![page.into(), "Row,Amount,Words\n3,0.10,x\n".into()];
        let format = fuzz::Format { name: "csv", test, samples, words, seal: None, inputs: 10_000 };
        let columns = [
            column("", "amount", Kind::Money, 8),
            column("", "row", Kind::Count, 8),
            column("", "words", Kind::Words, 8),
        ];
        fuzz::run(&format, |bytes| {
            let rows = || -> Result<(), String> {
                let mut records = Records::begin(bytes)?;
                while records.cells(&columns)?.is_some() {}
                Ok(())
            };
            match rows() {
                Ok(()) => fuzz::Read::Same(bytes.to_vec()),
                Err(why) => fuzz::Read::Refused(why),
            }
        });
    }

    #[test]
    fn columns_are_found_by_their_english_in_any_order() {
        let file = "\u{feff}金额 Amount,行号 row\r\n\r\n,\r\n\"1,234.5\",\"10-1-0\t\"\r\n7";
        let mut records = Records::begin(file.as_bytes()).expect("headings");
        assert!(records.has("row") && records.has("amount") && !records.has("use"));
        assert!(records.advance().expect("a row"));
        assert_eq!(records.cell("row"), Ok(&b"10-1-0"[..]));
        assert_eq!(
            (records.read("amount", yuan::parse), records.line()),
            (Ok(123_450), 4),
            "the line as an editor counts it"
        );
        assert!(records.advance().expect("a short row"));
        assert_eq!(records.cell("row"), Ok(&b""[..]));
        assert_eq!(
            records.read("row", |said| said.parse::<u8>().ok()).unwrap_err(),
            "line 5, column \"row\": \"\" is not understood"
        );
        assert!(!records.advance().expect("the end"));
    }
}
