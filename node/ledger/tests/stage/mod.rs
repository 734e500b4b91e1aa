//! Where scripts are played: names for ids, a clock, and commands.
//!
//! A line is a verb and `word=value` arguments. Persons have any name; amounts are in fen.
//!
//! ```text
//! at 2026-03-01 08:00        the clock, in +08:00        wait 25h          s, m, h, d
//! together                   first in a block: all its transactions are one entry
//! world                      genesis, four provinces, six areas (all but jinan open), six institutions
//! insure NAME 310 AREA FEN   enrol, credit and activate
//! relate R DONOR BENEFICIARY KINSHIP FEN    propose, accept and set a quota
//! show NAME                  a person, relation or payment       owed    every obligation
//! again ID                   the transaction of this `id=` is sent again, byte by byte
//! remembered                 how many answers are remembered     steps N VERB ...  the verb N times
//! ```
//!
//! The other verbs are the calls. Each takes `by=` (who asks, else the usual one), `id=` (a name for
//! the request id; the same name is the same id), `age=`/`ahead=` (how far its time is from now), and
//! `deadline=` (a moment: `now`, `+1d`, `-1s`).

mod call;
mod print;

use ledger::{
    Answer, Area, At, Call, Caller, Institution, MapState, Outcome, PaymentId, Person, Position, RelationId,
    RequestId, Stamp, Transaction, audit,
};
use std::collections::BTreeMap;
use std::fmt::Write;

pub type Result<T> = std::result::Result<T, String>;

pub const AREAS: &[(&str, u32)] = &[
    ("suzhou", 320500),
    ("lianyungang", 320700),
    ("zhengzhou", 410100),
    ("luoyang", 410300),
    ("hefei", 340100),
    ("jinan", 370100),
];

pub const INSTITUTIONS: &[(&str, &str)] = &[
    ("hospital", "H41010000001"),
    ("pharmacy", "P41010000002"),
    ("clinic", "H32050000003"),
    ("drugstore", "P32070000004"),
    ("kiosk", "P41010000005"),
    ("jinanhospital", "H37010000006"),
];

const WORLD: &[&str] = &[
    "genesis",
    "register-province province=32 kinship=wide",
    "register-province province=41 kinship=wide",
    "register-province province=34 kinship=narrow",
    "register-province province=37 kinship=wide",
    "register-area area=suzhou",
    "register-area area=lianyungang",
    "register-area area=zhengzhou",
    "register-area area=luoyang",
    "register-area area=hefei",
    "register-area area=jinan",
    "open area=suzhou from=now",
    "open area=lianyungang from=now",
    "open area=zhengzhou from=now",
    "open area=luoyang from=now",
    "open area=hefei from=now",
    "register-institution institution=hospital kind=hospital area=zhengzhou wallet=yes",
    "register-institution institution=pharmacy kind=pharmacy area=zhengzhou wallet=yes",
    "register-institution institution=clinic kind=hospital area=suzhou wallet=yes",
    "register-institution institution=drugstore kind=pharmacy area=lianyungang wallet=yes",
    "register-institution institution=kiosk kind=pharmacy area=zhengzhou wallet=no",
    "register-institution institution=jinanhospital kind=hospital area=jinan wallet=yes",
];

/// A state under play.
pub struct Stage {
    pub state: MapState,
    pub now: Stamp,
    index: u64,
    requests: u64,
    ids: BTreeMap<String, RequestId>,
    sent: BTreeMap<RequestId, Transaction>,
    pub relations: BTreeMap<String, RelationId>,
    pub payments: BTreeMap<String, PaymentId>,
}

/// A transaction with the name that its relation or payment gets.
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
            relations: BTreeMap::new(),
            payments: BTreeMap::new(),
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
                for _ in 0..times {
                    let mut silent = String::new();
                    self.step(&verb, &mut silent)?;
                    if silent.contains("refused") {
                        return Err(silent);
                    }
                }
                writeln!(out, "{times} times").expect("strings take text");
            }
            ["again", name] => {
                let sent = self.ids.get(*name).and_then(|id| self.sent.get(id));
                let transaction = sent.ok_or("nothing was sent under this id")?.clone();
                self.entry(vec![Asked { transaction, name: None }], out);
            }
            ["show", name] => print::show(self, name, out)?,
            ["owed"] => print::owed(self, out),
            ["remembered"] => print::remembered(self, out),
            _ => self.step(line, out)?,
        }
        Ok(())
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
        for ((answer, name), transaction) in answers.iter().zip(names).zip(&transactions) {
            if let (Some(name), Outcome::Done(_), false) = (name, &answer.outcome, answer.repeated) {
                match transaction.call {
                    Call::Settle { .. } => _ = self.payments.insert(name, PaymentId(answer.position)),
                    _ => _ = self.relations.insert(name, RelationId(answer.position)),
                }
            }
            self.say(answer, out);
        }
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

    fn request(&mut self, name: Option<&str>, time: u64) -> RequestId {
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
            _ => return Err(format!("`{text}` is not a moment: now, +1d, -1s")),
        })
    }

    /// A named relation, or a position like `7-0`.
    pub fn relation(&self, name: &str) -> Result<RelationId> {
        self.relations.get(name).copied().map_or_else(|| position(name).map(RelationId), Ok)
    }

    pub fn payment(&self, name: &str) -> Result<PaymentId> {
        self.payments.get(name).copied().map_or_else(|| position(name).map(PaymentId), Ok)
    }
}

fn position(text: &str) -> Result<Position> {
    let (index, place) = text.split_once('-').ok_or_else(|| format!("no relation or payment `{text}`"))?;
    let wrong = |_| format!("`{text}` is not a position");
    Ok(Position { index: index.parse().map_err(wrong)?, place: place.parse().map_err(wrong)? })
}

pub fn person(name: &str) -> Person {
    let mut id = [0; 16];
    id[..name.len()].copy_from_slice(name.as_bytes());
    Person(id)
}

pub fn area(name: &str) -> Result<Area> {
    let known = AREAS.iter().find(|(known, _)| *known == name);
    let code = known.map(|(_, code)| *code).or_else(|| name.parse().ok());
    code.and_then(Area::new).ok_or_else(|| format!("no area `{name}`"))
}

pub fn institution(name: &str) -> Result<Institution> {
    let known = INSTITUTIONS.iter().find(|(known, _)| *known == name);
    Institution::new(known.map_or(name, |(_, code)| *code)).ok_or_else(|| format!("no institution `{name}`"))
}

fn span(text: &str) -> Result<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or("a span has a unit")?);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => ledger::stamp::HOUR_MS,
        "d" => ledger::stamp::DAY_MS,
        _ => return Err(format!("`{unit}` is no unit of time")),
    };
    Ok(number.parse::<u64>().map_err(|_| format!("`{text}` is no span"))? * unit)
}

/// A date and time in +08:00, counted day by day.
fn moment(date: &str, time: &str) -> Result<Stamp> {
    let parts: Vec<u64> =
        date.split('-').chain(time.split(':')).map(|part| part.parse().unwrap_or(u64::MAX)).collect();
    let [year, month, day, hour, minute] = parts[..] else {
        return Err(format!("`{date} {time}` is no moment"));
    };
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let february = 28 + u64::from(leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: u64 = (1970..year).map(|year| 365 + u64::from(leap(year))).sum();
    let months: u64 = lengths.iter().take(month as usize - 1).sum();
    let minutes = ((years + months + day - 1) * 24 + hour) * 60 + minute;
    Ok(Stamp((minutes - 8 * 60) * 60_000))
}
