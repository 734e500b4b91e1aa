//! The statement as one workbook, for those who open it with a spreadsheet.
//!
//! The small pages are held. The details are read from the csv that was written just before, a row at a time, and go to
//! the sheet as they come: a million of them take no more memory than one.

use super::facts::{Facts, clock};
use super::read::Records;
use super::sheet::{Cell, Column, Kind, Sheet, text};
use super::{words, yuan};
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, IgnoreError, Workbook, Worksheet,
    XlsxError,
};
use std::io::{Read, Write};

/// Rows of details that go into a sheet, at most; a sheet has room for 1,048,576.
pub const DETAILS_MAX: u64 = 1_000_000;
/// Rows above the first row of figures: title, what it is of, headings in Chinese and in English.
const HEAD: u32 = 4;
/// A3, in the number that printers know it by.
const A3: u8 = 8;

/// Where the details come from.
pub enum Details<R: Read> {
    /// From the csv of this name and so many rows.
    Rows(Box<Records<R>>),
    /// They are too many for a sheet: the csv of this name has them.
    Elsewhere(String),
}

/// Writes the workbook: summary, provinces, details, check.
///
/// # Errors
/// In words: what could not be written or read.
pub fn write<R: Read>(
    out: impl Write + Send,
    facts: &Facts,
    [summary, provinces, check]: [&Sheet; 3],
    name: &'static str,
    columns: &'static [Column],
    details: Details<R>,
) -> Result<(), String> {
    let mut book = Workbook::new();
    // The time of the month, not the one at which this runs: the same statement is the same bytes.
    let (year, month) = (facts.month.year, facts.month.month);
    let made = ExcelDateTime::from_ymd(year, month, 1).map_err(told)?;
    let title = format!("gongji {} {}", facts.mark(), words::province(facts.province));
    book.set_properties(
        &DocProperties::new().set_title(title).set_author("gongji").set_creation_datetime(&made),
    );
    let styles = Styles::new();
    for sheet in [summary, provinces] {
        page(&mut book, facts, &styles, sheet)?;
    }
    let mut page_of_details = Page::begin(&mut book, facts, &styles, name, columns, 3)?;
    match details {
        Details::Rows(mut records) => {
            while let Some(cells) = records.cells(columns)? {
                page_of_details.row(&cells, false)?;
            }
        }
        Details::Elsewhere(file) => {
            let note = format!("明细超过 {DETAILS_MAX} 行，见 more rows than a sheet takes, see {file}");
            page_of_details.row(&[text(note)], false)?;
        }
    }
    page_of_details.end()?;
    page(&mut book, facts, &styles, check)?;
    book.save_to_writer(out).map_err(told)
}

fn told(problem: XlsxError) -> String {
    problem.to_string()
}

fn page(book: &mut Workbook, facts: &Facts, styles: &Styles, sheet: &Sheet) -> Result<(), String> {
    let mut page = Page::begin(book, facts, styles, sheet.name, sheet.columns, sheet.frozen)?;
    for row in &sheet.rows {
        page.row(row, false)?;
    }
    for row in &sheet.totals {
        page.row(row, true)?;
    }
    page.end()
}

/// How cells look.
struct Styles {
    title: Format,
    head: Format,
    plain: [Format; 2],
    id: [Format; 2],
    money: [Format; 2],
    large: [Format; 2],
    count: [Format; 2],
    day: [Format; 2],
}

impl Styles {
    fn new() -> Styles {
        // A plain row and one of totals.
        let both = |format: Format| {
            let total = format.clone().set_bold().set_border_top(FormatBorder::Thin);
            [format, total]
        };
        let head = Format::new().set_bold().set_text_wrap().set_align(FormatAlign::Center);
        Styles {
            title: Format::new().set_bold(),
            head: head.set_background_color(Color::RGB(0xE7EEF7)).set_border(FormatBorder::Thin),
            plain: both(Format::new()),
            id: both(Format::new().set_num_format("@")),
            money: both(Format::new().set_num_format("#,##0.00;[Red]-#,##0.00")),
            large: both(Format::new().set_num_format("@").set_align(FormatAlign::Right)),
            count: both(Format::new().set_num_format("#,##0")),
            day: both(Format::new().set_num_format("yyyy-mm-dd")),
        }
    }
}

/// A sheet under way.
struct Page<'a> {
    sheet: &'a mut Worksheet,
    styles: &'a Styles,
    columns: &'static [Column],
    next: u32,
}

impl<'a> Page<'a> {
    fn begin(
        book: &'a mut Workbook,
        facts: &Facts,
        styles: &'a Styles,
        name: &str,
        columns: &'static [Column],
        frozen: u16,
    ) -> Result<Page<'a>, String> {
        let sheet = book.add_worksheet_with_constant_memory().map_err(told)?;
        Page::head(sheet, facts, styles, name, columns, frozen).map_err(told)?;
        Ok(Page { sheet, styles, columns, next: HEAD })
    }

    fn head(
        sheet: &mut Worksheet,
        facts: &Facts,
        styles: &Styles,
        name: &str,
        columns: &'static [Column],
        frozen: u16,
    ) -> Result<(), XlsxError> {
        let (code, province) = (facts.province.code(), words::province(facts.province));
        let (title, of) = match &facts.closed {
            Some(closed) => {
                let (day, time) = clock(closed.at);
                (
                    "个人账户共济月度对账单 Monthly statement of mutual aid",
                    format!("已关账 closed {day} {time}"),
                )
            }
            None => (
                "个人账户共济月度对账单（未关账，仅供参考） Monthly statement of mutual aid, PRELIMINARY",
                "未关账 the month is open".to_owned(),
            ),
        };
        let of = format!("{} {code:02} {province}　{of}　金额单位：元 amounts in CNY", facts.month());
        sheet.set_name(name)?;
        sheet.set_freeze_panes(HEAD, frozen)?;
        sheet.set_landscape().set_paper_size(A3).set_print_fit_to_pages(1, 0);
        sheet.set_repeat_rows(0, HEAD - 1)?;
        sheet.set_header(format!("&L{title}&R{} {code:02} {province}", facts.mark()));
        sheet.set_footer(format!("&L{name}&C{}&R&P / &N", facts.cluster));
        for (place, column) in (0..).zip(columns) {
            sheet.set_column_width(place, column.width)?;
        }
        sheet.write_string_with_format(0, 0, title, &styles.title)?;
        sheet.write_string(1, 0, of)?;
        for (place, column) in (0..).zip(columns) {
            sheet.write_string_with_format(2, place, column.zh, &styles.head)?;
        }
        for (place, column) in (0..).zip(columns) {
            sheet.write_string_with_format(3, place, column.en, &styles.head)?;
        }
        Ok(())
    }

    fn row(&mut self, cells: &[Cell], total: bool) -> Result<(), String> {
        for (place, (column, cell)) in (0..).zip(self.columns.iter().zip(cells)) {
            self.cell(place, column.kind, cell, usize::from(total)).map_err(told)?;
        }
        self.next += 1;
        Ok(())
    }

    fn cell(&mut self, place: u16, kind: Kind, cell: &Cell, total: usize) -> Result<(), XlsxError> {
        let (sheet, styles, row) = (&mut *self.sheet, self.styles, self.next);
        match cell {
            Cell::Text(text) => match (kind, ExcelDateTime::parse_from_str(text)) {
                (Kind::Day, Ok(day)) => {
                    sheet.write_datetime_with_format(row, place, &day, &styles.day[total])?
                }
                (Kind::Id, _) => sheet.write_string_with_format(row, place, &**text, &styles.id[total])?,
                _ => sheet.write_string_with_format(row, place, &**text, &styles.plain[total])?,
            },
            // No amount below the bound loses a fen as a double, nor when it is shown with fifteen digits.
            Cell::Money(fen) if yuan::is_number(*fen) => {
                sheet.write_number_with_format(row, place, *fen as f64 / 100.0, &styles.money[total])?
            }
            Cell::Money(fen) => {
                sheet.write_string_with_format(row, place, yuan::text(*fen), &styles.large[total])?
            }
            Cell::Count(count) => {
                sheet.write_number_with_format(row, place, *count as f64, &styles.count[total])?
            }
            Cell::Blank if total == 0 => return Ok(()),
            Cell::Blank => sheet.write_blank(row, place, &styles.plain[total])?,
        };
        Ok(())
    }

    fn end(self) -> Result<(), String> {
        let last = self.columns.len().saturating_sub(1) as u16; // a page has some dozens of columns
        let bottom = self.next.max(HEAD + 1) - 1;
        // Codes are text here, and meant to be.
        self.sheet
            .ignore_error_range(HEAD, 0, bottom, last, IgnoreError::NumberStoredAsText)
            .map_err(told)?;
        Ok(())
    }
}
