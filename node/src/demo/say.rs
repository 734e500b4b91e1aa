//! What the demo prints, and the checks that it makes on the way.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};
use std::time::Duration;

/// Prints, and counts checks.
#[derive(Debug, Default)]
pub struct Say {
    held: usize,
    failed: Vec<String>,
    /// Prints nothing but what does not hold.
    quiet: bool,
}

impl Say {
    /// Prints nothing but what does not hold.
    pub fn quiet() -> Say {
        Say { quiet: true, ..Say::default() }
    }

    /// A box that nobody overlooks.
    pub fn boxed(&self, lines: &[&str]) {
        if self.quiet {
            return;
        }
        let width = lines.iter().map(|line| columns(line)).max().unwrap_or(0);
        println!("┌{}┐", "─".repeat(width + 2));
        for line in lines {
            println!("│ {line}{} │", " ".repeat(width - columns(line)));
        }
        println!("└{}┘", "─".repeat(width + 2));
    }

    /// The head of a part.
    pub fn part(&self, head: &str) {
        if !self.quiet {
            println!("\n{head}");
        }
    }

    /// A line.
    pub fn line(&self, text: impl AsRef<str>) {
        if self.quiet {
            return;
        }
        for line in text.as_ref().lines() {
            println!("  {line}");
        }
    }

    /// A check: what should hold, whether it does, and what was seen instead.
    pub fn check(&mut self, what: &str, holds: bool, seen: impl AsRef<str>) {
        if holds {
            self.held += 1;
            self.line(format!("✓ {what}"));
        } else {
            println!("  ✗ {what}: {}", seen.as_ref());
            self.failed.push(what.to_owned());
        }
    }

    /// How many checks held.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Which did not.
    pub fn failed(&self) -> &[String] {
        &self.failed
    }
}

/// Columns of a text on a terminal: Chinese characters take two.
fn columns(text: &str) -> usize {
    text.chars().map(|c| if ('\u{1100}'..='\u{ffef}').contains(&c) && c != '–' { 2 } else { 1 }).sum()
}

/// A bar on a terminal; elsewhere a line now and then.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    /// The last second for which a line was printed.
    told: u64,
}

impl Progress {
    /// A bar for something that takes `length`.
    pub fn new(length: Duration) -> Progress {
        let style = ProgressStyle::with_template("  {bar:40} {msg}").expect("the template is well-formed");
        let shown = io::stderr().is_terminal();
        let bar = shown.then(|| ProgressBar::new(length.as_millis() as u64).with_style(style));
        Progress { bar, told: 0 }
    }

    /// How far it is.
    pub fn at(&mut self, elapsed: Duration, message: String) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(elapsed.as_millis() as u64);
                bar.set_message(message);
            }
            None if elapsed.as_secs() > self.told => {
                self.told = elapsed.as_secs();
                println!("  {:4.1} s  {message}", elapsed.as_secs_f64());
            }
            None => {}
        }
    }

    /// A line that stays.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("  {text}")),
            None => println!("  {text}"),
        }
    }

    /// The bar goes.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_characters_take_two_columns() {
        assert_eq!(columns("演示 · DEMO"), 11);
    }
}
