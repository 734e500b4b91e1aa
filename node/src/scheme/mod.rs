//! `gongji scheme`: what was published about the scheme, as transactions to submit.
//!
//! Prints lines for `gongji submit` and sends nothing: an operator reads them, changes them, and submits them. Effective
//! dates may not lie in the past, so the date is asked for.

mod policy;

use crate::places::PROVINCES;
use crate::problem::{Exit, Problem};
use anyhow::Result;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Pooling areas: code and name, a line each.
const AREAS: &str = include_str!("areas.txt");

/// The provinces that had areas open on 4 February 2025: 117 areas in all. Which ones was published in full for Hebei,
/// Henan, Anhui, Tibet, Sichuan and Hubei only, where all were; of the other eight provinces all areas are printed.
const FEBRUARY_2025: [u64; 14] = [13, 15, 31, 32, 34, 37, 41, 42, 44, 50, 51, 52, 54, 62];

/// The provinces named for the pilot of December 2024: 9 provinces with 31 areas, of which the list was never published.
const PILOT_2024: [u64; 5] = [13, 32, 34, 37, 41];
/// And the two areas named for a province of which no more is known: Linxia and Gannan in Gansu.
const PILOT_2024_AREAS: [&str; 2] = ["622900", "623000"];

/// What the verb is given.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Registers pooling areas: an example by prefecture, to be changed where a province pools otherwise
    Areas {
        /// Only of these provinces, by two digits; repeat or part with commas
        #[arg(long = "province", value_name = "NN", value_delimiter = ',')]
        provinces: Vec<u64>,
    },
    /// Opens areas for cross-province aid from a date on
    Openings {
        /// As published for when
        #[arg(value_enum)]
        stage: Stage,
        /// The date from which they are open (+08:00), not in the past
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
        from: String,
    },
    /// Sets the parameters of the scheme from a date on
    Policy {
        /// As published for when
        #[arg(value_enum)]
        stage: policy::Stage,
        /// The date from which they are in force (+08:00), not in the past
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
        from: String,
    },
}

/// A stage of the rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// The pilot of December 2024: the provinces that were named, as an example
    #[value(name = "2024-12")]
    Pilot,
    /// 4 February 2025: 14 provinces
    #[value(name = "2025-02")]
    February2025,
    /// 2026: all provinces
    #[value(name = "2026")]
    Nation,
}

/// Prints what is asked for.
pub fn run(verb: Verb) -> Result<Exit> {
    let lines: Vec<Value> = match verb {
        Verb::Areas { provinces } => {
            if let Some(unknown) =
                provinces.iter().find(|code| PROVINCES.iter().all(|known| known.code != **code))
            {
                let problem = Problem::usage(format!("no province has the code {unknown}"));
                return Err(problem.next("gongji scheme areas").into());
            }
            let wanted = |area: &str| provinces.is_empty() || provinces.contains(&province_of(area));
            let areas = areas().filter(|(area, _)| wanted(area));
            areas.map(|(area, _)| national("register_area", &json!({ "area": area }))).collect()
        }
        Verb::Openings { stage, from } => {
            let open = areas().filter(|(area, _)| stage.opens(area));
            let from = start_of(&from);
            open.map(|(area, _)| national("set_area_open", &json!({ "area": area, "from": from }))).collect()
        }
        Verb::Policy { stage, from } => {
            let policy = policy::json(stage);
            vec![national("set_policy", &json!({ "effective": start_of(&from), "policy": policy }))]
        }
    };
    let mut out = io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(Exit::Done)
}

impl Stage {
    /// Whether an area was open then.
    pub fn opens(self, area: &str) -> bool {
        match self {
            Stage::Pilot => PILOT_2024.contains(&province_of(area)) || PILOT_2024_AREAS.contains(&area),
            Stage::February2025 => FEBRUARY_2025.contains(&province_of(area)),
            Stage::Nation => true,
        }
    }
}

/// Every area with its name, by code.
pub fn areas() -> impl Iterator<Item = (&'static str, &'static str)> {
    AREAS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '))
}

/// The name of an area, if it is in the list.
pub fn area_name(code: &str) -> Option<&'static str> {
    areas().find(|(area, _)| *area == code).map(|(_, name)| name)
}

fn province_of(area: &str) -> u64 {
    area[..2].parse().unwrap_or_default()
}

/// A transaction of the national agency; `gongji submit` gives it its request id.
fn national(call: &str, body: &Value) -> Value {
    json!({ "caller": { "national": {} }, call: body })
}

/// The first moment of a day in the scheme's one time zone.
fn start_of(date: &str) -> String {
    format!("{date}T00:00:00+08:00")
}

/// A date in the form YYYY-MM-DD.
fn date(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |text: &str, digits: usize| {
        (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u16>().ok())?
    };
    let day = match parts[..] {
        [year, month, date] => number(year, 4).zip(number(month, 2)).zip(number(date, 2)),
        _ => None,
    };
    let known = day.and_then(|((year, month), date)| ledger::Day::new(year, month as u8, date as u8));
    known.map(|_| text.to_owned()).ok_or_else(|| "is not a date like 2026-12-01".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_area_is_of_a_province_once_and_every_province_has_one() {
        let codes: Vec<&str> = areas().map(|(code, _)| code).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "by code, each once");
        for code in &codes {
            let code: u32 = code.parse().expect("six digits");
            assert!(ledger::Area::new(code).is_some(), "{code}");
        }
        for province in PROVINCES {
            assert!(codes.iter().any(|code| province_of(code) == province.code), "{province:?}");
            assert!(codes.contains(&province.area), "{province:?}");
        }
        assert_eq!(area_name("320500"), Some("苏州"));
        assert_eq!(codes.len(), 344);
    }

    #[test]
    fn stages_open_more_and_more() {
        let count = |stage: Stage| areas().filter(|(area, _)| stage.opens(area)).count();
        assert_eq!(
            (count(Stage::Pilot), count(Stage::February2025), count(Stage::Nation)),
            (11 + 13 + 16 + 16 + 18 + 2, 177, 344)
        );
    }

    #[test]
    fn a_date_is_a_day_of_the_calendar() {
        assert_eq!(date("2026-12-01"), Ok("2026-12-01".to_owned()));
        for wrong in ["", "2026-02-29", "2026-13-01", "26-1-1", "2026-12-01T00:00:00Z", "+026-12-01"] {
            assert!(date(wrong).is_err(), "{wrong}");
        }
    }
}
