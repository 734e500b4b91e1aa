//! What the user of the program is told when something does not work: what failed and where, why, and one
//! command to go on with; and what the process ends with.

use std::fmt;

/// How the process ends. The numbers are a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for was done.
    Done = 0,
    /// A bug of ours.
    Bug = 1,
    /// The command, a file or a setting is wrong.
    Usage = 2,
    /// The ledger refused something, by a rule.
    Refused = 3,
    /// There is no such record.
    NotFound = 4,
    /// Nobody answers, or nobody leads. Nothing was done; it is safe to try again.
    Unreachable = 5,
    /// It may or may not have been done. Send it again with the same request id.
    Unknown = 6,
    /// The caller may not do this.
    NotAllowed = 7,
    /// A check did not hold.
    Differs = 8,
    /// Another cluster, another node, or a cluster in another state.
    WrongCluster = 9,
    /// The operating system refused a step.
    InputOutput = 10,
    /// Stopped by Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Something that does not work, told to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What the process ends with.
    pub exit: u8,
    /// Which step failed, and where. One line.
    pub what: String,
    /// Why, in further lines.
    pub why: Vec<String>,
    /// One command, or one thing, to do next. May be empty.
    pub next: String,
}

impl Problem {
    /// A problem that ends the process with `exit`.
    pub fn new(exit: Exit, what: impl Into<String>) -> Problem {
        Problem { exit: exit.code(), what: what.into(), why: Vec::new(), next: String::new() }
    }

    /// A wrong command, file or setting.
    pub fn usage(what: impl Into<String>) -> Problem {
        Problem::new(Exit::Usage, what)
    }

    /// Adds a reason.
    #[must_use]
    pub fn because(mut self, why: impl fmt::Display) -> Problem {
        let why = why.to_string();
        if !why.is_empty() {
            self.why.extend(why.lines().map(str::to_owned));
        }
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Problem {
        self.next = next.into();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        for line in &self.why {
            write!(f, "\n  {line}")?;
        }
        if !self.next.is_empty() {
            write!(f, "\n  try: {}", self.next)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// The name in `names` that was probably meant by `given`: for "did you mean".
pub fn nearest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    names
        .into_iter()
        .map(|name| {
            // "hearbeat" without its table should still find "raft.heartbeat".
            let whole = strsim::jaro_winkler(given, name);
            let part =
                if given.contains('.') { 0.0 } else { strsim::jaro_winkler(given, &last(name)) * 0.99 };
            (whole.max(part), name)
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_why_and_what_next() {
        let problem = Problem::usage("raft.heartbeat: \"fast\" is no duration")
            .because("node.toml line 3")
            .next("write 250ms");
        assert_eq!(
            problem.to_string(),
            "error: raft.heartbeat: \"fast\" is no duration\n  node.toml line 3\n  try: write 250ms"
        );
        assert_eq!(problem.exit, 2);
    }

    #[test]
    fn the_nearest_name_is_found_across_tables() {
        let names = ["raft.heartbeat", "raft.election", "listen.api", "data_dir"];
        assert_eq!(nearest("raft.hearbeat", names), Some("raft.heartbeat"));
        assert_eq!(nearest("hearbeat", names), Some("raft.heartbeat"));
        assert_eq!(nearest("datadir", names), Some("data_dir"));
        assert_eq!(nearest("zzz", names), None);
    }
}
