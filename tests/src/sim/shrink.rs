//! Makes a seed that fails smaller: whatever can be left out while it still fails the same way is left out.

use crate::sim::blows::BLOWS;
use crate::sim::draw::Draw;
use crate::sim::history::Keep;
use crate::sim::machine::DiskTemper;
use crate::sim::net::Weather;
use crate::sim::trial::{Report, play_less};
use clap::Args;
use std::fmt;
use std::time::Duration;

/// What is left out of what a seed draws.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Less {
    /// Blows that never fall, such as Kill,PowerCut
    #[arg(long, value_delimiter = ',')]
    pub without: Vec<String>,
    /// How long faults go on at most, in milliseconds
    #[arg(long)]
    pub storm_ms: Option<u64>,
    /// How many clients there are at most
    #[arg(long)]
    pub clients: Option<usize>,
    /// No message is lost, late or delivered twice
    #[arg(long)]
    pub calm: bool,
    /// No sync takes long, and none is where the power is cut
    #[arg(long)]
    pub good_disk: bool,
}

impl Less {
    /// Leaves it out.
    pub fn of(&self, draw: &mut Draw) {
        for (blow, weight) in BLOWS.iter().zip(&mut draw.weights) {
            if self.without.contains(&format!("{blow:?}")) {
                *weight = 0;
            }
        }
        if let Some(most) = self.storm_ms {
            draw.storm = draw.storm.min(Duration::from_millis(most));
        }
        if let Some(most) = self.clients {
            draw.clients = draw.clients.min(most);
        }
        if self.calm {
            draw.weather = Weather { delay: draw.weather.delay, ..Weather::default() };
        }
        if self.good_disk {
            draw.disk = DiskTemper { sync: draw.disk.sync, ..DiskTemper::default() };
        }
    }

    /// One step smaller each.
    fn steps(&self, draw: &Draw) -> Vec<Less> {
        let mut steps = Vec::new();
        for (blow, weight) in BLOWS.iter().zip(&draw.weights) {
            if *weight > 0 {
                let without = self.without.iter().cloned().chain([format!("{blow:?}")]).collect();
                steps.push(Less { without, ..self.clone() });
            }
        }
        let storm = draw.storm.as_millis() as u64;
        if storm > 1_000 {
            steps.push(Less { storm_ms: Some(storm / 2), ..self.clone() });
            steps.push(Less { storm_ms: Some(storm * 3 / 4), ..self.clone() });
        }
        if draw.clients > 1 {
            steps.push(Less { clients: Some(1), ..self.clone() });
            steps.push(Less { clients: Some(draw.clients - 1), ..self.clone() });
        }
        if !self.calm {
            steps.push(Less { calm: true, ..self.clone() });
        }
        if !self.good_disk {
            steps.push(Less { good_disk: true, ..self.clone() });
        }
        steps
    }
}

impl fmt::Display for Less {
    /// As on the command line, with a blank before each word.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.without.is_empty() {
            write!(f, " --without {}", self.without.join(","))?;
        }
        if let Some(most) = self.storm_ms {
            write!(f, " --storm-ms {most}")?;
        }
        if let Some(most) = self.clients {
            write!(f, " --clients {most}")?;
        }
        if self.calm {
            f.write_str(" --calm")?;
        }
        if self.good_disk {
            f.write_str(" --good-disk")?;
        }
        Ok(())
    }
}

/// Shrinks a seed that fails. Gives the smallest that still fails as this report does, and how often it was played.
pub fn shrink(failed: &Report, from: Less) -> (Less, u32) {
    let (mut least, mut played) = (from, 0);
    let kind = failed.complaints.first().map(|complaint| kind(complaint)).unwrap_or_default();
    loop {
        let mut draw = Draw::of(failed.seed);
        least.of(&mut draw);
        let smaller = least.steps(&draw).into_iter().find(|step| {
            played += 1;
            let report = play_less(failed.seed, Keep::Last, step);
            report.complaints.iter().any(|complaint| self::kind(complaint) == kind)
        });
        match smaller {
            Some(step) => least = step,
            None => return (least, played),
        }
    }
}

/// What kind of complaint it is: its words without numbers.
fn kind(complaint: &str) -> String {
    let words = complaint.split(' ').filter(|word| !word.contains(|letter: char| letter.is_ascii_digit()));
    words.take(6).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_said_as_it_is_asked_for() {
        let less = Less {
            without: vec!["Kill".into(), "Flip".into()],
            storm_ms: Some(900),
            calm: true,
            ..Less::default()
        };
        assert_eq!(less.to_string(), " --without Kill,Flip --storm-ms 900 --calm");
        let mut draw = Draw::of(5);
        draw.weights.fill(3);
        less.of(&mut draw);
        assert_eq!(draw.weights.iter().filter(|weight| **weight == 0).count(), 2);
        assert_eq!((draw.storm, draw.weather.loss), (Duration::from_millis(900), 0));
    }

    #[test]
    fn complaints_of_one_kind_differ_by_numbers_only() {
        let (one, two) = ("[once] op 12 was answered by 3", "[once] op 7 was answered by 44");
        assert_eq!(kind(one), kind(two));
        assert_ne!(kind(one), kind("[present] node 3 does not hold op 1"));
    }
}
