//! Where scripts are played: names for ids, a clock, and commands.
//!
//! A line is a verb and `word=value` arguments. Persons have any name; amounts are in fen.
//!
//! ```text
//! at 2026-03-01 08:00        the clock, in +08:00        wait 25h          ms, s, m, h, d
//! together                   first in a block: all its transactions are one entry
//! world                      genesis, four provinces, six areas (all but jinan open), six institutions
//! insure NAME 310 AREA FEN   enrol, credit and activate
//! relate R DONOR BENEFICIARY KINSHIP FEN    propose, accept and set a quota
//! show NAME                  a person, or what has that name: a relation, offer, payment, hold, refund, case
//! owed, lines, funds, periods, tallies, usages    every obligation, clearing line, prepayment fund, month
//!                            closed, row of the statistics, use of the funds
//! waiting                    what waits for its time: proposals, quotas, offers, holds, releases, cases
//! premiums                   every premium paid        calendar YEAR     its holidays and extra working days
//! report MONTH, positions MONTH, usage PROVINCE MONTH, reconcile AREA|INSTITUTION DATE    what may be read
//! again ID                   the transaction of this `id=` is sent again, byte by byte
//! remembered                 how many answers are remembered
//! steps N COMMAND ...        the command N times, without refusal; `{}` in it stands for 1 to N, `{03}` for 001 to N
//!                            (and in steps of steps `[]`, `[03]` for the number of the inner ones)
//! quietly COMMAND ...        the command, without refusal and without a word
//! ```
//!
//! The other verbs are the calls (see `call/`). Each takes `by=` (who asks, else the usual one), `as=` (a name
//! for what it makes), `id=` (a name for the request id; the same name is the same id), `age=`/`ahead=` (how far
//! its time is from now), and `deadline=`. Moments are `now`, `+1d`, `-1s`, `2026-03-01T08:00`.

mod call;
pub mod names;
mod print;
mod show;
mod views;

use ledger::{Answer, At, Caller, MapState, Outcome, Position, RequestId, Stamp, Transaction, audit};
use names::{Result, WORLD, area, institution, moment, person, position, span};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A state under play.
#[derive(Clone)]
pub struct Stage {
    pub state: MapState,
    pub now: Stamp,
    index: u64,
    requests: u64,
    ids: BTreeMap<String, RequestId>,
    pub sent: BTreeMap<RequestId, Transaction>,
    /// What a name stands for: all that a transaction makes is called by its position.
    pub named: BTreeMap<String, Position>,
    /// Between two commands of many: the state is audited behind the last.
    silent: bool,
}

/// A transaction with the name that gets what it makes.
struct Asked {
    transaction: Transaction,
    name: Option<String>,
}

impl Stage {
    pub fn new() -> Stage {
        Stage {
            state: MapState::new(),
            now: moment("2026-03-01", "08:00").expect("a date"),
            index: 0,
            requests: 0,
            ids: BTreeMap::new(),
            sent: BTreeMap::new(),
            named: BTreeMap::new(),
            silent: false,
        }
    }

    /// Runs the commands of a block; says what happened.
    pub fn run(&mut self, block: &[&str]) -> Result<String> {
        let mut out = String::new();
        if block.first() == Some(&"together") {
            let asked = block[1..].iter().map(|line| self.ask(line)).collect::<Result<Vec<_>>>()?;
            self.entry(asked, &mut out);
            return Ok(out);
        }
        for line in block {
            self.command(line, &mut out).map_err(|why| format!("`{line}`: {why}"))?;
        }
        Ok(out)
    }

    fn command(&mut self, line: &str, out: &mut String) -> Result<()> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["at", date, time] => self.now = moment(date, time)?,
            ["wait", duration] => self.now = self.now.plus_ms(span(duration)?),
            ["world"] => {
                let mut silent = String::new();
                let asked = WORLD.iter().map(|line| self.ask(line)).collect::<Result<Vec<_>>>()?;
                self.entry(asked, &mut silent);
                if silent.contains("refused") {
                    return Err(silent);
                }
            }
            ["insure", person, insurance, area, credit] => {
                self.step(&format!("enrol person={person} insurance={insurance} area={area}"), out)?;
                if *credit != "0" {
                    self.step(&format!("credit person={person} amount={credit}"), out)?;
                }
                self.step(&format!("activate person={person}"), out)?;
            }
            ["relate", name, donor, beneficiary, kinship, quota] => {
                let parties = format!("donor={donor} beneficiary={beneficiary} kinship={kinship}");
                self.step(&format!("propose as={name} {parties}"), out)?;
                self.step(&format!("accept relation={name}"), out)?;
                if *quota != "0" {
                    self.step(&format!("set-quota relation={name} amount={quota}"), out)?;
                }
            }
            ["steps", times, ..] => {
                let times: usize = times.parse().map_err(|_| "not a number")?;
                let verb = words[2..].join(" ");
                let outermost = !std::mem::replace(&mut self.silent, true);
                for number in 1..=times {
                    self.quietly(&numbered(&verb, number))?;
                }
                self.silent = !outermost;
                if outermost {
                    self.audit(out);
                }
                writeln!(out, "{times} times").expect("strings take text");
            }
            ["quietly", ..] => self.quietly(&words[1..].join(" "))?,
            ["again", name] => {
                let sent = self.ids.get(*name).and_then(|id| self.sent.get(id));
                let transaction = sent.ok_or("nothing was sent under this id")?.clone();
                self.entry(vec![Asked { transaction, name: None }], out);
            }
            ["show", name] => show::show(self, name, out)?,
            ["calendar", year] => show::calendar(self, year, out)?,
            [view, rest @ ..] if views::VIEWS.contains(&(*view, rest.len())) => {
                views::view(self, &words, out)?
            }
            [list] if show::LISTS.contains(list) => show::list(self, list, out),
            _ => self.step(line, out)?,
        }
        Ok(())
    }

    fn quietly(&mut self, line: &str) -> Result<()> {
        let mut said = String::new();
        self.command(line, &mut said)?;
        if said.contains("refused") { Err(said) } else { Ok(()) }
    }

    fn step(&mut self, line: &str, out: &mut String) -> Result<()> {
        let asked = self.ask(line)?;
        self.entry(vec![asked], out);
        Ok(())
    }

    /// Applies an entry, names what it made, audits the state, and says what happened.
    fn entry(&mut self, asked: Vec<Asked>, out: &mut String) {
        self.index += 1;
        let at = At { index: self.index, stamp: self.now };
        let (transactions, names): (Vec<_>, Vec<_>) =
            asked.into_iter().map(|asked| (asked.transaction, asked.name)).unzip();
        let answers = self.state.apply(at, &transactions);
        for (answer, name) in answers.iter().zip(names) {
            if let (Some(name), Outcome::Done(_), false) = (name, &answer.outcome, answer.repeated) {
                self.named.insert(name, answer.position);
            }
            self.say(answer, out);
        }
        if !self.silent {
            self.audit(out);
        }
    }

    fn audit(&self, out: &str) {
        let Ok(audit) = audit(&self.state, Some(self.state.digest()));
        assert!(audit.is_clean(), "{audit}\nafter\n{out}");
    }

    fn say(&self, answer: &Answer, out: &mut String) {
        if answer.repeated {
            write!(out, "again, from {}: ", answer.position).expect("strings take text");
        }
        match &answer.outcome {
            Outcome::Done(events) => {
                for event in events {
                    writeln!(out, "{}", print::event(self, event)).expect("strings take text");
                }
            }
            Outcome::Refused(refusal) => {
                writeln!(out, "refused {}", refusal.name()).expect("strings take text")
            }
        }
    }

    fn ask(&mut self, line: &str) -> Result<Asked> {
        let mut words = line.split_whitespace();
        let verb = words.next().ok_or("an empty line")?;
        let mut args = BTreeMap::new();
        for word in words {
            let (name, value) = word.split_once('=').ok_or_else(|| format!("`{word}` is not word=value"))?;
            args.insert(name, value);
        }
        let time = match (args.remove("age"), args.remove("ahead")) {
            (Some(age), _) => self.now.0 - span(age)?,
            (None, Some(ahead)) => self.now.0 + span(ahead)?,
            (None, None) => self.now.0,
        };
        let request = self.request(args.remove("id"), time);
        let by = args.remove("by").map(|by| self.caller(by)).transpose()?;
        let not_after = args.remove("deadline").map(|deadline| self.stamp(deadline)).transpose()?;
        let name = args.remove("as").map(str::to_string);
        let (usual, call) = call::call(self, verb, &mut args)?;
        if let Some(left) = args.keys().next() {
            return Err(format!("{verb} takes no `{left}`"));
        }
        let caller = by.unwrap_or(usual);
        let transaction = Transaction { request, caller, not_after, signature: vec![], call };
        self.sent.entry(request).or_insert_with(|| transaction.clone());
        Ok(Asked { transaction, name })
    }

    pub fn request(&mut self, name: Option<&str>, time: u64) -> RequestId {
        if let Some(id) = name.and_then(|name| self.ids.get(name)) {
            return *id;
        }
        self.requests += 1;
        let mut id = RequestId::earliest_at(time);
        id.0[6] = 0x70; // a UUID of version 7
        id.0[8..].copy_from_slice(&self.requests.to_be_bytes());
        if let Some(name) = name {
            self.ids.insert(name.to_string(), id);
        }
        id
    }

    /// `national`, `node`, `auditor`, a province's code, an area, an institution; else a person.
    fn caller(&self, name: &str) -> Result<Caller> {
        if let Ok(code) = name.parse() {
            return Ok(Caller::Province(ledger::Province::new(code).ok_or("no such province")?));
        }
        Ok(match name {
            "national" => Caller::National,
            "node" => Caller::Node,
            "auditor" => Caller::Auditor,
            _ => match (area(name), institution(name)) {
                (Ok(area), _) => Caller::Agency(area),
                (_, Ok(institution)) => Caller::Institution(institution),
                (Err(_), Err(_)) => Caller::Person(person(name)),
            },
        })
    }

    pub fn stamp(&self, text: &str) -> Result<Stamp> {
        Ok(match text.split_at_checked(1) {
            Some(("+", span_text)) => self.now.plus_ms(span(span_text)?),
            Some(("-", span_text)) => Stamp(self.now.0 - span(span_text)?),
            _ if text == "now" => self.now,
            _ if text.contains('T') => {
                let (date, time) = text.split_once('T').ok_or("just seen")?;
                moment(date, time)?
            }
            _ => return Err(format!("`{text}` is not a moment: now, +1d, -1s, 2026-03-01T08:00")),
        })
    }

    /// What has this name, or a position like `7-0`.
    pub fn position(&self, name: &str) -> Result<Position> {
        self.named.get(name).copied().map_or_else(|| position(name), Ok)
    }
}

/// A command of many, with its number in place of `{}`; what is in `[]` becomes that of the steps within.
fn numbered(command: &str, number: usize) -> String {
    let command = command.replace("{}", &number.to_string());
    let command = command.replace("{03}", &format!("{number:03}"));
    command.replace('[', "{").replace(']', "}")
}
