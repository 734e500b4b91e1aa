//! The settings file: TOML, each value with its line.

use super::keys::{self, KEYS};
use crate::problem::{Exit, Problem, nearest};
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// A value of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which setting.
    pub name: &'static str,
    /// Its value, as text.
    pub text: String,
    /// Its line, from 1.
    pub line: usize,
}

/// Reads a settings file.
///
/// # Errors
/// A file that cannot be read, bad TOML, an unknown key: with file, line, and the nearest right key.
pub fn read(path: &Path) -> Result<Vec<Line>, Problem> {
    let place = path.display();
    let text = std::fs::read_to_string(path).map_err(|problem| {
        Problem::new(Exit::Usage, format!("cannot read the settings file {place}"))
            .because(problem)
            .next(format!("ls -l {place}"))
    })?;
    parse(&text, &place.to_string())
}

/// Reads the text of a settings file; `place` is its name for errors.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str, place: &str) -> Result<Vec<Line>, Problem> {
    let line_of =
        |at: usize| text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1;
    let document = DeTable::parse(text).map_err(|problem| {
        let line = problem.span().map_or(1, |span| line_of(span.start));
        Problem::usage(format!("{place} line {line}: not TOML"))
            .because(problem.message())
            .next(format!("correct line {line}, then gongji config check {place}"))
    })?;
    let mut lines = Vec::new();
    let reader = Reader { place, line_of: &line_of };
    reader.table(document.get_ref(), "", &mut lines)?;
    Ok(lines)
}

struct Reader<'a> {
    place: &'a str,
    line_of: &'a dyn Fn(usize) -> usize,
}

impl Reader<'_> {
    fn table(&self, table: &DeTable<'_>, above: &str, lines: &mut Vec<Line>) -> Result<(), Problem> {
        for (key, value) in table {
            let name = if above.is_empty() {
                key.get_ref().to_string()
            } else {
                format!("{above}.{}", key.get_ref())
            };
            let line = (self.line_of)(key.span().start);
            if let DeValue::Table(inner) = value.get_ref()
                && KEYS.iter().any(|key| key.name.starts_with(&format!("{name}.")))
            {
                self.table(inner, &name, lines)?;
                continue;
            }
            let Some(known) = keys::find(&name) else { return Err(self.unknown(&name, line)) };
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
                DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_)
                | DeValue::Table(_) => {
                    return Err(Problem::usage(format!(
                        "{} line {line}: {name} must be a text or a whole number, not a {}",
                        self.place,
                        value.get_ref().type_str()
                    ))
                    .next(format!("{name} = \"{}\"", known.default.unwrap_or("…"))));
                }
            };
            lines.push(Line { name: known.name, text, line });
        }
        Ok(())
    }

    fn unknown(&self, name: &str, line: usize) -> Problem {
        let problem = Problem::usage(format!("{} line {line}: {name}: no such key", self.place));
        match nearest(name, KEYS.iter().map(|key| key.name)) {
            Some(right) => problem.because(format!("did you mean {right}?")),
            None => problem.because(format!(
                "the keys are {}",
                KEYS.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
            )),
        }
        .next(format!("correct line {line}, then gongji config check {}", self.place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuzz_config() {
        let text = "node = 11000001\n[raft]\nheartbeat = \"100ms\"\n";
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
        let path = folder.path().join("node.toml");
        let words: &[&[u8]] = &[b"[", b"]]", b"=", b"\"\"\"", b"{", b"a.b.c.d", b"1979-05-27", b"nan"];
        let test = "-p node --bin gongji fuzz_config";
        let samples = vec![text.into()];
        let format = fuzz::Format { name: "config", test, samples, words, seal: None, inputs: 10_000 };
        fuzz::run(&format, |bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else { return fuzz::Read::Refused("not UTF-8".into()) };
            if let Err(problem) = parse(text, "x") {
                return fuzz::Read::Refused(problem.to_string());
            }
            // And what its values come to.
            std::fs::write(&path, bytes).expect("written");
            match crate::config::Config::gather(&[], |_| None, Some(&path)) {
                Ok(_) => fuzz::Read::Same(bytes.to_vec()),
                Err(problem) => {
                    fuzz::Read::Refused(problem.to_string().replace(&*path.to_string_lossy(), "x"))
                }
            }
        });
    }

    #[test]
    fn values_come_with_their_lines() {
        let lines =
            parse("province = 32\n\n[raft]\nheartbeat = \"250ms\"\n", "node.toml").expect("good file");
        let found: Vec<_> = lines.iter().map(|line| (line.name, line.text.as_str(), line.line)).collect();
        assert_eq!(found, [("province", "32", 1), ("raft.heartbeat", "250ms", 4)]);
    }

    #[test]
    fn a_misspelt_key_is_told_with_its_line_and_the_right_key() {
        let problem =
            parse("province = 32\n[raft]\nhearbeat = \"250ms\"\n", "/etc/gongji/node.toml").unwrap_err();
        assert_eq!(problem.what, "/etc/gongji/node.toml line 3: raft.hearbeat: no such key");
        assert_eq!(problem.why, ["did you mean raft.heartbeat?"]);
        assert_eq!(problem.exit, 2);
        let table = parse("[rafts]\nheartbeat = \"250ms\"\n", "f").unwrap_err();
        assert!(table.what.contains("f line 1: rafts"), "{table}");
    }

    #[test]
    fn garbage_is_an_error_with_a_line_not_a_panic() {
        for bad in [
            "a = = 2",
            "province = [1]",
            "province = 1.5",
            "province = true",
            "[raft",
            "\u{0}",
            "province = 0x20",
            "raft = 3",
        ] {
            let problem = parse(bad, "f").unwrap_err();
            assert!(problem.what.starts_with("f line 1"), "{bad:?}: {problem}");
        }
    }
}
