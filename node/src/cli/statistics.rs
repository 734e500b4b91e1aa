//! `gongji statistics`: the published report, in the layout in which it was published (domain.md 1.10).

use super::connect::{reach, refused};
use super::json::Shape;
use super::statement::month;
use super::{Nodes, Output, show};
use crate::places;
use crate::problem::{Exit, Problem};
use crate::statement::yuan;
use anyhow::Result;
use comfy_table::Cell;
use ledger::statistics::{Figure, Line, Report};
use ledger::{Month, Province};
use node::wire;
use proto::v1;
use proto::v1::query_client::QueryClient;
use serde_json::json;

/// From here on a number is written in 亿, below it in 万.
const YI: i128 = 100_000_000;
/// Fen of one yuan.
const YUAN: i128 = 100;

/// What the verb is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The last month of the report, such as 2024-10; it begins with January
    #[arg(long, value_name = "YYYY-MM", value_parser = month)]
    until: Month,
    /// Shows a ledger that holds a sample as if it were so many times larger, and says so
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    scale: u32,
    #[command(flatten)]
    nodes: Nodes,
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

/// Runs the verb.
pub async fn run(args: Args) -> Result<Exit> {
    let node = reach(&args.nodes).await?;
    let (year, last) = (args.until.year, args.until.month);
    let asked = v1::GetStatisticsRequest { until: format!("{year:04}-{last:02}"), consistency: None };
    let reply = QueryClient::new(node.channel.clone()).get_statistics(asked).await;
    let reply = reply.map_err(|status| refused(&status, &node.address, "statistics"))?.into_inner();
    let told = reply.statistics.unwrap_or_default();
    let report = read(args.until, &told).ok_or_else(|| {
        Problem::new(Exit::WrongCluster, format!("the answer of {} is not understood", node.address))
            .next("gongji status shows the versions of the nodes; use the same for this program")
    })?;
    let report = report.scaled(args.scale);
    match args.output {
        Output::Json => println!(
            "{}",
            json!({
                "header": Shape::of("ReplyHeader").write(&reply.header.unwrap_or_default()),
                "scale": args.scale,
                "statistics": Shape::of("Statistics").write(&wire::statistics_to_proto(&report)),
            })
        ),
        Output::Table => {
            let header = reply.header.unwrap_or_default();
            println!(
                "{}\n\nas of index {}, from {}",
                page(&report, args.scale),
                header.index,
                places::node_label(header.node)
            );
        }
    }
    Ok(Exit::Done)
}

/// The report that a node told; none if a figure of it cannot be read.
fn read(until: Month, told: &v1::Statistics) -> Option<Report> {
    let figure = |figure: &Option<v1::Figure>| {
        let figure = figure.as_ref()?;
        Some(Figure { count: i128::from(figure.count), fen: yuan::parse(&figure.amount)? })
    };
    let line = |line: &Option<v1::StatisticsLine>| {
        let line = line.as_ref()?;
        Some(Line { sum: figure(&line.sum)?, growth: figure(&line.growth)? })
    };
    let province = |code: &String| code.parse().ok().and_then(Province::new);
    let provinces = |codes: &[String]| codes.iter().map(province).collect::<Option<Vec<_>>>();
    let by_province = told.provinces.iter().map(|one| Some((province(&one.province)?, line(&one.line)?)));
    Some(Report {
        until,
        total: line(&told.total)?,
        same_area: line(&told.same_area)?,
        in_province: line(&told.in_province)?,
        cross_province: line(&told.cross_province)?,
        institution: line(&told.institution)?,
        pharmacy: line(&told.pharmacy)?,
        premium: line(&told.premium)?,
        other: line(&told.other)?,
        residual: line(&told.residual)?,
        provinces: by_province.collect::<Option<_>>()?,
        top_by_count: provinces(&told.top_by_count)?,
        top_by_amount: provinces(&told.top_by_amount)?,
    })
}

/// The report for people.
fn page(report: &Report, scale: u32) -> String {
    let Month { year, month } = report.until;
    let (since, since_en) = match month {
        1 => ("本年首月".to_owned(), "the first month of the year".to_owned()),
        2 => ("较1月".to_owned(), "over January".to_owned()),
        _ => (format!("较1–{}月", month - 1), format!("over January to {}", english(month - 1))),
    };
    let until = match month {
        1 => ("1月".to_owned(), "January".to_owned()),
        _ => (format!("1–{month}月"), format!("January to {}", english(month))),
    };
    let mut lines = vec![
        format!("职工医保个人账户共济　{year}年{}（自1月1日累计）", until.0),
        format!("Mutual aid of personal accounts, {} {year}, cumulative from 1 January", until.1),
    ];
    if scale > 1 {
        lines.push(format!("按抽样账本的 {scale} 倍列示 · a sample ledger, shown {scale} times as large"));
    }
    let Line { sum, growth } = report.total;
    let mut total = table();
    total.add_row([
        Cell::new("总计"),
        Cell::new("total"),
        show::number(format!("{} 亿人次", sum.count_in_yi())),
        show::number(format!("{} 亿元", sum.amount_in_yi())),
    ]);
    total.add_row([
        Cell::new(format!("{since}增长")),
        Cell::new(format!("growth {since_en}")),
        show::number(format!("{} 亿人次", signed(growth.count, growth.count_in_yi()))),
        show::number(format!("{} 亿元", signed(growth.fen, growth.amount_in_yi()))),
    ]);
    lines.extend([String::new(), show::text(&total)]);
    let scopes = [
        ("同一统筹区内", "same pooling area", report.same_area),
        ("省内跨统筹区", "across areas of a province", report.in_province),
        ("跨省", "across provinces", report.cross_province),
    ];
    let uses = [
        ("定点医疗机构", "medical institutions", report.institution),
        ("定点零售药店", "retail pharmacies", report.pharmacy),
        ("居民医保等个人缴费", "premiums", report.premium),
        ("其他服务", "other services", report.other),
        ("未归类（总计－各用途）", "unclassified (total - uses)", report.residual),
    ];
    for (zh, en, rows) in [("按范围", "by scope", &scopes[..]), ("按用途", "by use", &uses[..])] {
        lines.extend([String::new(), show::text(&parts(zh, en, rows))]);
    }
    let mut top = table();
    top.add_row([Cell::new("居前五位的省份"), Cell::new("top five provinces")]);
    top.add_row([Cell::new("按人次"), Cell::new("by person-times"), Cell::new(names(&report.top_by_count))]);
    top.add_row([Cell::new("按金额"), Cell::new("by amount"), Cell::new(names(&report.top_by_amount))]);
    lines.extend([String::new(), show::text(&top)]);
    lines.join("\n")
}

fn table() -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    table
}

fn parts(zh: &str, en: &str, rows: &[(&str, &str, Line)]) -> comfy_table::Table {
    let mut table = table();
    let heads = [zh, en, "人次", "金额（元）", "人次增长", "金额增长（元）"];
    table.add_row(heads.iter().enumerate().map(|(place, head)| match place {
        0 | 1 => Cell::new(head),
        _ => show::number(head),
    }));
    for (zh, en, Line { sum, growth }) in rows {
        table.add_row([
            Cell::new(zh),
            Cell::new(en),
            show::number(count(*sum)),
            show::number(amount(*sum)),
            show::number(signed(growth.count, count(*growth))),
            show::number(signed(growth.fen, amount(*growth))),
        ]);
    }
    table
}

/// In 亿 from one on, else in 万, as it was published.
fn count(figure: Figure) -> String {
    match figure.count.abs() >= YI {
        true => format!("{} 亿", figure.count_in_yi()),
        false => format!("{} 万", figure.count_in_wan()),
    }
}

fn amount(figure: Figure) -> String {
    match figure.fen.abs() >= YI * YUAN {
        true => format!("{} 亿", figure.amount_in_yi()),
        false => format!("{} 万", figure.amount_in_wan()),
    }
}

/// With a plus before what has grown.
fn signed(value: i128, written: impl std::fmt::Display) -> String {
    if value > 0 { format!("+{written}") } else { written.to_string() }
}

fn names(provinces: &[Province]) -> String {
    let name = |province: &Province| {
        let known = places::province(u64::from(province.code()));
        known.map_or_else(|| province.to_string(), |known| known.zh.to_owned())
    };
    match provinces {
        [] => "–".to_owned(),
        _ => provinces.iter().map(name).collect::<Vec<_>>().join("、"),
    }
}

fn english(month: u8) -> &'static str {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    NAMES[usize::from(month - 1) % 12]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::golden;

    fn line(count: i128, yuan: i128, count_grown: i128, yuan_grown: i128) -> Line {
        let figure = |count, yuan| Figure { count, fen: yuan * YUAN };
        Line { sum: figure(count, yuan), growth: figure(count_grown, yuan_grown) }
    }

    /// January to October 2024 as published, where it was; the counts of uses were not.
    fn published() -> Report {
        let provinces = |codes: [u8; 5]| codes.map(|code| Province::new(code).expect("a province")).to_vec();
        Report {
            until: Month { year: 2024, month: 10 },
            total: line(282_762_900, 36_908_000_000, 37_000_000, 6_451_000_000),
            same_area: line(263_000_000, 32_975_000_000, 34_000_000, 5_791_000_000),
            in_province: line(19_762_900, 3_933_000_000, 3_000_000, 660_000_000),
            cross_province: Line::default(),
            institution: line(200_000_000, 30_664_000_000, 26_000_000, 3_400_000_000),
            pharmacy: line(60_000_000, 1_416_000_000, 8_000_000, 250_000_000),
            premium: line(20_000_000, 4_454_000_000, 2_900_000, 2_751_000_000),
            other: line(2_762_900, 374_000_000, 100_000, 50_000_000),
            residual: Line::default(),
            provinces: vec![(
                Province::new(33).expect("Zhejiang"),
                line(70_000_000, 9_000_000_000, -4_000, -1),
            )],
            top_by_count: provinces([33, 32, 44, 11, 31]),
            top_by_amount: provinces([33, 32, 44, 11, 51]),
        }
    }

    #[test]
    fn the_report_of_october_2024_is_printed_as_published() {
        let shown = page(&published(), 1);
        for figure in [
            "2.83 亿人次",
            "369.08 亿元",
            "+0.37 亿人次",
            "+64.51 亿元",
            "1976.29 万",
            "+27.51 亿",
            "14.16 亿",
        ] {
            assert!(shown.contains(figure), "{figure} is missing:\n{shown}");
        }
        golden("cli/golden/statistics-2024-10.txt", &shown);
    }

    #[test]
    fn a_sample_says_so_and_a_first_month_has_nothing_before_it() {
        let small = Report { until: Month { year: 2026, month: 1 }, top_by_count: vec![], ..published() };
        let shown = page(&small.scaled(10), 10);
        assert!(
            shown.contains("a sample ledger, shown 10 times as large") && shown.contains("28.28 亿人次"),
            "{shown}"
        );
        assert!(shown.contains("本年首月增长") && shown.contains("2026年1月（"), "{shown}");
        assert!(shown.contains("by person-times") && shown.contains("–"), "{shown}");
    }

    #[test]
    fn what_a_node_tells_reads_back() {
        let report = published();
        assert_eq!(read(report.until, &wire::statistics_to_proto(&report)), Some(report.clone()));
        let mut torn = wire::statistics_to_proto(&report);
        torn.premium = None;
        assert_eq!(read(report.until, &torn), None);
    }
}
