//! What happened how often, over all histories.

use super::pairs::{is_possible, touched};
use crate::chance::Verb;
use crate::model::Model;
use ledger::{Answer, Outcome, Refusal, RelationId, Transaction};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct Report {
    done: BTreeMap<Verb, u64>,
    refused: BTreeMap<(Verb, usize), u64>,
    repeated: u64,
    /// Verbs done one after the other on the same relation.
    pairs: BTreeMap<(Verb, Verb), u64>,
    last: BTreeMap<RelationId, Verb>,
}

impl Report {
    pub fn new() -> Report {
        Report::default()
    }

    /// Another history begins.
    pub fn turn(&mut self) {
        self.last.clear();
    }

    pub fn note(&mut self, model: &Model, asked: &Transaction, answer: &Answer) {
        let verb = Verb::of(&asked.call);
        let kept_out = answer.outcome == Outcome::Refused(Refusal::ReversedBeforeArrival);
        if answer.repeated && !kept_out {
            self.repeated += 1;
            return;
        }
        match &answer.outcome {
            Outcome::Refused(refusal) => *self.refused.entry((verb, refusal.precedence())).or_default() += 1,
            Outcome::Done(events) => {
                *self.done.entry(verb).or_default() += 1;
                for relation in touched(model, &asked.call, events) {
                    if let Some(before) = self.last.insert(relation, verb) {
                        *self.pairs.entry((before, verb)).or_default() += 1;
                    }
                }
            }
        }
    }

    fn done(&self, verb: Verb) -> u64 {
        self.done.get(&verb).copied().unwrap_or(0)
    }

    fn refused(&self, refusal: Refusal) -> u64 {
        let place = refusal.precedence();
        self.refused.iter().filter(|((_, one), _)| *one == place).map(|(_, times)| times).sum()
    }

    /// Verbs never done, refusals never given.
    pub fn never(&self) -> Vec<String> {
        let verbs = Verb::ALL.iter().filter(|(verb, _)| self.done(*verb) == 0);
        let refusals = Refusal::ALL.iter().filter(|refusal| self.refused(**refusal) == 0);
        let mut never: Vec<String> = verbs.map(|(verb, _)| format!("{verb:?}")).collect();
        never.extend(refusals.map(|refusal| refusal.name().to_string()));
        if self.repeated == 0 {
            never.push("a repeated request".to_string());
        }
        never
    }

    /// Pairs of verbs that could have met on a relation, and never did.
    pub fn pairs_never(&self) -> Vec<String> {
        let all = || Verb::ALL.iter().map(|(verb, _)| *verb);
        let pairs = all().flat_map(|first| all().map(move |second| (first, second)));
        let missing = pairs.filter(|pair| is_possible(pair.0, pair.1) && !self.pairs.contains_key(pair));
        missing.map(|(first, second)| format!("{first:?} {second:?}")).collect()
    }

    /// Pairs that were called impossible, and happened.
    pub fn pairs_impossible(&self) -> Vec<String> {
        let met = self.pairs.keys().filter(|(first, second)| !is_possible(*first, *second));
        met.map(|(first, second)| format!("{first:?} {second:?}")).collect()
    }

    pub fn print(&self) {
        println!("{:<20} {:>9}  refused", "verb", "done");
        for (verb, _) in Verb::ALL {
            let given = self.refused.iter().filter(|((of, _), _)| of == verb);
            let mut given: Vec<(u64, &str)> =
                given.map(|((_, place), times)| (*times, Refusal::ALL[*place].name())).collect();
            given.sort_by(|one, other| other.cmp(one));
            let given: Vec<String> = given.iter().map(|(times, name)| format!("{name} {times}")).collect();
            println!("{:<20} {:>9}  {}", format!("{verb:?}"), self.done(*verb), given.join(", "));
        }
        let refusals: Vec<String> =
            Refusal::ALL.iter().map(|one| format!("{} {}", one.name(), self.refused(*one))).collect();
        println!("refusals: {}", refusals.join(", "));
        println!("repeated: {}", self.repeated);
        let missing = self.pairs_never();
        println!(
            "pairs on one relation: {} met, {} could have met and did not",
            self.pairs.len(),
            missing.len()
        );
        let mut rare: Vec<_> = self.pairs.iter().map(|(pair, times)| (*times, *pair)).collect();
        rare.sort();
        let rare: Vec<String> =
            rare.iter().take(20).map(|(times, (one, two))| format!("{one:?} {two:?} {times}")).collect();
        println!("rarest: {}", rare.join(", "));
    }
}
