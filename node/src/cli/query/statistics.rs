//! The published report, in its published layout.

use super::super::json::Shape;
use super::super::show;
use super::{Asker, source};
use crate::places;
use crate::problem::Problem;
use proto::v1;
use serde_json::Value;

/// The lines of the report, in its order.
const LINES: [(&str, &str); 9] = [
    ("total", "总计"),
    ("same_area", "同一统筹区内"),
    ("in_province", "省内跨统筹区"),
    ("cross_province", "跨省"),
    ("institution", "定点医疗机构"),
    ("pharmacy", "定点零售药店"),
    ("premium", "居民医保等缴费"),
    ("other", "其他服务"),
    ("residual", "其他"),
];

impl Asker {
    pub(super) async fn statistics(mut self, until: String) -> Result<(Value, String), Problem> {
        let request = v1::GetStatisticsRequest { until, consistency: self.consistency };
        let reply = self.client.get_statistics(request).await.map_err(|status| self.refused(&status))?;
        let whole = Shape::of("GetStatisticsResponse").write(reply.get_ref());
        let shown = format!("{}\n{}", report(&whole["statistics"]), source(&whole["header"]));
        Ok((whole, shown))
    }
}

fn report(statistics: &Value) -> String {
    let heads = ["", "", "count", "万人次", "yuan", "亿元", "growth 万人次", "growth 亿元"];
    let mut table = show::table(&heads);
    for (field, name) in LINES {
        let line = &statistics[field];
        let cell = |part: &str, figure: &str| show::number(line[part][figure].as_str().unwrap_or("0"));
        table.add_row(vec![
            comfy_table::Cell::new(field.replace('_', " ")),
            comfy_table::Cell::new(name),
            cell("sum", "count"),
            cell("sum", "count_in_wan"),
            cell("sum", "amount"),
            cell("sum", "amount_in_yi"),
            cell("growth", "count_in_wan"),
            cell("growth", "amount_in_yi"),
        ]);
    }
    let text = |field: &str| statistics[field].as_str().unwrap_or_default().to_owned();
    let top = |field: &str| {
        let provinces = statistics[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        provinces.map(|code| format!("{code} {}", name(code))).collect::<Vec<_>>().join(", ")
    };
    format!(
        "{} to {}\n{}\ntop by count   {}\ntop by amount  {}",
        text("from"),
        text("until"),
        show::text(&table),
        top("top_by_count"),
        top("top_by_amount"),
    )
}

/// A province's name by its two digits.
fn name(code: &str) -> &'static str {
    code.parse().ok().and_then(places::province).map_or("", |province| province.zh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_has_the_published_layout() {
        let figure = |count: i64, amount: &str, yi: &str| v1::Figure {
            count,
            amount: amount.into(),
            count_in_wan: "28276.29".into(),
            amount_in_yi: yi.into(),
            ..Default::default()
        };
        let line = |sum: v1::Figure| Some(v1::StatisticsLine { sum: Some(sum), growth: None });
        let statistics = v1::Statistics {
            from: "2024-01".into(),
            until: "2024-10".into(),
            total: line(figure(282_762_900, "36908000000.00", "369.08")),
            residual: line(figure(0, "374000000.00", "3.74")),
            top_by_count: vec!["33".into(), "32".into()],
            ..Default::default()
        };
        let shown = report(&Shape::of("Statistics").write(&statistics));
        let total = shown.lines().find(|line| line.contains("总计")).expect("a line");
        assert!(total.contains("282762900") && total.contains("369.08"), "{shown}");
        assert!(shown.starts_with("2024-01 to 2024-10") && shown.contains("33 浙江, 32 江苏"), "{shown}");
    }
}
