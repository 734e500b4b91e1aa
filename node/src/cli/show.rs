//! Answers as tables: columns for lists, name and value for single records.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use serde_json::Value;

/// An empty table without lines: columns parted by spaces, heads in capitals.
pub fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(heads.iter().map(|head| Cell::new(head.to_uppercase())).collect::<Vec<_>>());
    table
}

/// A table as text, without spaces at the ends of lines.
pub fn text(table: &Table) -> String {
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// A cell whose text stands at its right: numbers and amounts.
pub fn number(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// A list of records as a table of these fields.
pub fn rows(records: &[Value], fields: &[&str]) -> String {
    let heads: Vec<String> = fields.iter().map(|field| field.replace('_', " ")).collect();
    let mut table = table(&heads.iter().map(String::as_str).collect::<Vec<_>>());
    for record in records {
        let cells = fields.iter().map(|field| {
            let text = plain(field, &record[*field]);
            if is_number(&text) { number(text) } else { Cell::new(text) }
        });
        table.add_row(cells.collect::<Vec<_>>());
    }
    text(&table)
}

/// One record: a line a field, inner records indented.
pub fn record(value: &Value) -> String {
    let mut lines = Vec::new();
    fill(value, 0, &mut lines);
    lines.join("\n")
}

fn fill(value: &Value, depth: usize, lines: &mut Vec<String>) {
    let Value::Object(fields) = value else { return };
    let indent = "  ".repeat(depth);
    let width = fields.keys().map(String::len).max().unwrap_or(0);
    for (name, value) in fields {
        match value {
            Value::Null => {}
            // What is not there is not shown.
            Value::String(text) if text.is_empty() || text.ends_with("_UNSPECIFIED") => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Array(items) if items.iter().any(Value::is_object) => {
                lines.push(format!("{indent}{name}"));
                for item in items {
                    fill(item, depth + 1, lines);
                    lines.push(String::new());
                }
                lines.pop();
            }
            Value::Object(_) => {
                lines.push(format!("{indent}{name}"));
                fill(value, depth + 1, lines);
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                lines.push(format!("{indent}{name:width$}  {}", plain(name, value)));
            }
        }
    }
}

/// A value without quotes; an enum value without the name of its type in front.
fn plain(name: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => word(name, text),
        Value::Array(items) => items.iter().map(|item| plain(name, item)).collect::<Vec<_>>().join(" "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// `KINSHIP_PARENT` in the field `kinship` is `parent`.
fn word(name: &str, text: &str) -> String {
    // The longer prefixes first: one may begin with another.
    const PREFIXES: [&str; 14] = [
        "RELATION_STATE_",
        "OFFER_STATE_",
        "HOLD_STATE_",
        "CASE_STATE_",
        "CASE_STEP_",
        "INSTITUTION_KIND_",
        "INSURANCE_STATUS_",
        "SUSPENSION_REASON_",
        "DISPUTE_REASON_",
        "PAYOUT_REASON_",
        "RELEASE_CAUSE_",
        "FUND_LEVEL_",
        "USE_",
        "OUTCOME_",
    ];
    let named = format!("{}_", name.to_uppercase());
    let mut prefixes = PREFIXES.into_iter().chain([named.as_str()]);
    if text.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        && let Some(rest) = prefixes.find_map(|prefix| text.strip_prefix(prefix))
    {
        return if rest == "UNSPECIFIED" { "–".into() } else { rest.to_lowercase().replace('_', " ") };
    }
    text.to_owned()
}

fn is_number(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-')
        && !text.contains("-0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_is_a_line_a_field() {
        let value = json!({"person": "p", "insurance": "INSURANCE_EMPLOYEE", "account": {"available": "1.00"}, "donors": ["1-0", "2-0"], "transfer": "", "holds": [], "releasing": "RELEASE_CAUSE_UNSPECIFIED"});
        let shown = record(&value);
        assert!(
            !shown.contains("transfer") && !shown.contains("releasing") && !shown.contains("holds"),
            "{shown}"
        );
        assert!(shown.contains("insurance  employee"), "{shown}");
        assert!(shown.contains("  available  1.00") && shown.contains("1-0 2-0"), "{shown}");
    }

    #[test]
    fn a_list_is_a_table_with_amounts_at_the_right() {
        let rows = rows(
            &[json!({"payer": "320500", "owed": "5.00"}), json!({"payer": "110000", "owed": "12345.00"})],
            &["payer", "owed"],
        );
        assert!(
            rows.contains("PAYER") && rows.lines().nth(1).is_some_and(|line| line.ends_with("    5.00")),
            "{rows}"
        );
    }
}
