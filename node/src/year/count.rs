//! The independent count: what was given, where and for what, and who owes whom for it, recomputed from the exported
//! journal alone. Nothing here knows the contract, its state or its tallies; what it knows stands in the published rules:
//!
//! * An amount counts by its own scope: the area that keeps the donor's account against the area in which the
//!   beneficiary is insured; and in the donor's province.
//! * A payment with mutual aid is one 人次, in the widest scope among its parts, in the province of the largest part (of
//!   equal ones the first). When refunds reach the whole mutual aid, it is taken back, in the month of that refund.
//! * What an account pays in another area is owed by the area that keeps it. What is given back goes to where the account
//!   is by then: if that is another area, the first one owes it.

use super::line::{Event, Leg, Line, Settled, Spend, fen};
use std::collections::{BTreeMap, HashMap};

/// How far money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    SameArea,
    InProvince,
    CrossProvince,
}

/// What it was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    Institution,
    Pharmacy,
    ResidentPremium,
    CarePremium,
    Other,
}

/// 人次 and an amount in fen, net of what was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Figure {
    pub count: i128,
    pub fen: i128,
}

/// A cell: month, the donor's province, scope, use.
type Cell = (String, String, Scope, Use);
/// What is owed: month, payer, payee, use.
pub type Debt = (String, String, String, Use);

/// A line of a report: from January on, and of the month alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub sum: Figure,
    pub growth: Figure,
}

/// A report of a year until a month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// By name: "total", a scope, a use, or "province 32". Lines of nothing are left out.
    pub rows: BTreeMap<String, Row>,
    /// The five provinces with the most 人次.
    pub top_by_count: Vec<String>,
    /// The five with the largest amounts.
    pub top_by_amount: Vec<String>,
}

/// The count, as far as the journal was read.
#[derive(Debug, Default)]
pub struct Count {
    people: HashMap<String, Person>,
    donors: HashMap<String, String>,
    institutions: HashMap<String, (String, String)>,
    holds: HashMap<String, Spend>,
    payments: HashMap<String, Payment>,
    cases: HashMap<String, Case>,
    cells: BTreeMap<Cell, Figure>,
    /// Who owes whom.
    pub owed: BTreeMap<Debt, i128>,
    /// How many payments there were, with and without mutual aid.
    pub paid: u64,
    /// Lines that could not be followed.
    pub lost: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Person {
    area: String,
    /// The area that keeps the account.
    keeper: Option<String>,
    /// The case whose balance is under way.
    under_way: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct Case {
    person: String,
    from: String,
    to: String,
    /// What refunds left waiting: area and use of the part, and how much.
    waiting: Vec<(String, Use, i128)>,
}

#[derive(Clone, Debug)]
struct Payment {
    beneficiary: String,
    home: String,
    payee: String,
    usage: Use,
    own_area: String,
    parts: Vec<Part>,
}

/// A donor's part.
#[derive(Clone, Debug)]
struct Part {
    relation: String,
    donor: String,
    area: String,
    amount: i128,
    refunded: i128,
}

fn province(area: &str) -> &str {
    area.get(..2).unwrap_or_default()
}

fn scope(giver: &str, user: &str) -> Scope {
    match () {
        () if giver == user => Scope::SameArea,
        () if province(giver) == province(user) => Scope::InProvince,
        () => Scope::CrossProvince,
    }
}

/// What a service of a kind is for, at an institution of a kind.
fn usage(kind: &str, med_type: &str) -> Use {
    let class = med_type.get(..2).unwrap_or_default();
    match (kind, class) {
        ("INSTITUTION_KIND_PHARMACY", "" | "41") => Use::Pharmacy,
        ("INSTITUTION_KIND_PHARMACY", _) => Use::Other,
        (_, "" | "11" | "12" | "13" | "14" | "51" | "52") => Use::Institution,
        (_, class) if ("21"..="28").contains(&class) => Use::Institution,
        _ => Use::Other,
    }
}

impl Payment {
    fn is_back(&self) -> bool {
        self.parts.iter().all(|part| part.refunded == part.amount)
    }

    /// Where its 人次 stands; nowhere without mutual aid.
    fn place(&self) -> Option<(String, Scope)> {
        let widest = self.parts.iter().map(|part| scope(&part.area, &self.home)).max()?;
        let mut largest = self.parts.first()?;
        for part in &self.parts {
            if part.amount > largest.amount {
                largest = part;
            }
        }
        Some((province(&largest.area).to_owned(), widest))
    }
}

impl Count {
    /// Takes a line in.
    pub fn take(&mut self, line: &Line) {
        if !line.is_done() {
            return;
        }
        if let Some(asked) = &line.transaction.register_institution {
            self.institutions.insert(asked.institution.clone(), (asked.kind.clone(), asked.area.clone()));
        }
        if let Some(asked) = &line.transaction.authorise_spend {
            self.holds.insert(line.position(), asked.clone());
        }
        for event in &line.events {
            if self.follow(line, event).is_none() {
                self.lost.push(line.position());
            }
        }
    }

    /// Follows an event; none if it speaks of what the journal did not tell.
    fn follow(&mut self, line: &Line, event: &Event) -> Option<()> {
        let month = line.month();
        if let Some(event) = &event.person_enrolled {
            let person = self.people.entry(event.person.clone()).or_default();
            person.area.clone_from(&event.area);
            if event.insurance == "INSURANCE_EMPLOYEE" {
                person.keeper = Some(event.area.clone());
            }
        }
        if let Some(event) = &event.person_moved {
            let person = self.people.get_mut(&event.person)?;
            person.area.clone_from(&event.to);
            if person.keeper.as_ref() == Some(&event.from) {
                person.keeper = Some(event.to.clone());
            }
        }
        if let Some(event) = &event.relation_proposed {
            self.donors.insert(event.relation.clone(), event.donor.clone());
        }
        self.follow_case(month, event)?;
        if let Some(event) = &event.settled {
            self.settled(line, event)?;
        }
        if let Some(event) = &event.refunded {
            self.given_back(month, &event.payment, &event.own, &event.legs)?;
        }
        if let Some(event) = &event.refund_undone {
            self.taken_again(month, &event.payment, &event.own, &event.legs)?;
        }
        Some(())
    }

    fn follow_case(&mut self, month: &str, event: &Event) -> Option<()> {
        if let Some(event) = &event.transfer_applied {
            let case = Case {
                person: event.person.clone(),
                from: event.from.clone(),
                to: event.to.clone(),
                waiting: Vec::new(),
            };
            self.cases.insert(event.case.clone(), case);
        }
        if let Some(step) = &event.transfer_sent {
            let person = self.cases.get(&step.case)?.person.clone();
            self.people.get_mut(&person)?.under_way = Some(step.case.clone());
        }
        if let Some(step) = &event.transfer_received {
            let case = self.cases.get(&step.case)?;
            let person = self.people.get_mut(&case.person)?;
            person.under_way = None;
            person.area.clone_from(&case.to);
            person.keeper = Some(case.to.clone());
        }
        let ended = [&event.transfer_completed, &event.transfer_abandoned, &event.transfer_failed];
        for step in ended.into_iter().flatten() {
            let case = self.cases.remove(&step.case)?;
            self.people.get_mut(&case.person)?.under_way = None;
            let keeper = if event.transfer_completed.is_some() { &case.to } else { &case.from };
            for (area, usage, amount) in case.waiting {
                self.owes(month, &area, keeper, usage, amount);
            }
        }
        Some(())
    }

    /// The area whose money somebody's is.
    fn keeper(&self, person: &str) -> Option<String> {
        let person = self.people.get(person)?;
        Some(person.keeper.as_ref().unwrap_or(&person.area).clone())
    }

    fn settled(&mut self, line: &Line, event: &Settled) -> Option<()> {
        let (month, asked) = (line.month(), &line.transaction);
        let spend = match event.hold.as_str() {
            "" => asked.settle.clone(),
            hold => Some(self.holds.get(hold)?.clone()),
        };
        let beneficiary = match (&spend, &asked.pay_premium) {
            (Some(spend), _) => spend.beneficiary.clone(),
            (None, Some(premium)) => premium.beneficiary.clone(),
            (None, None) => return None,
        };
        let home = self.people.get(&beneficiary)?.area.clone();
        let (usage, payee) = match &spend {
            Some(spend) => {
                let (kind, area) = self.institutions.get(&spend.institution)?;
                (usage(kind, &spend.med_type), area.clone())
            }
            None if event.premium == "PREMIUM_RESIDENT" => (Use::ResidentPremium, home.clone()),
            None => (Use::CarePremium, home.clone()),
        };
        let mut parts = Vec::with_capacity(event.legs.len());
        for leg in &event.legs {
            let donor = self.donors.get(&leg.relation)?.clone();
            let area = self.keeper(&donor)?;
            let relation = leg.relation.clone();
            parts.push(Part { relation, donor, area, amount: fen(&leg.amount), refunded: 0 });
        }
        let own_area = self.keeper(&beneficiary)?;
        let payment = Payment { beneficiary, home, payee, usage, own_area, parts };
        self.paid += 1;
        self.owes(month, &payment.own_area, &payment.payee, usage, fen(&event.own));
        for part in &payment.parts {
            self.owes(month, &part.area, &payment.payee, usage, part.amount);
            self.cell(month, province(&part.area), scope(&part.area, &payment.home), usage).fen +=
                part.amount;
        }
        self.counted(month, &payment, 1);
        self.payments.insert(event.payment.clone(), payment);
        Some(())
    }

    fn given_back(&mut self, month: &str, id: &str, own: &str, legs: &[Leg]) -> Option<()> {
        let mut payment = self.payments.remove(id)?;
        let usage = payment.usage;
        for leg in legs {
            let part = payment.parts.iter_mut().find(|part| part.relation == leg.relation)?;
            let amount = fen(&leg.amount);
            part.refunded += amount;
            let (area, donor) = (part.area.clone(), part.donor.clone());
            self.cell(month, province(&area), scope(&area, &payment.home), usage).fen -= amount;
            self.comes_back(month, &area, &donor, &payment.payee, usage, amount)?;
        }
        let own = fen(own);
        if own > 0 {
            let (area, owner) = (payment.own_area.clone(), payment.beneficiary.clone());
            self.comes_back(month, &area, &owner, &payment.payee, usage, own)?;
        }
        if !legs.is_empty() && payment.is_back() {
            self.counted(month, &payment, -1);
        }
        self.payments.insert(id.to_owned(), payment);
        Some(())
    }

    /// Money that an area had paid to another is its owner's again.
    fn comes_back(
        &mut self,
        month: &str,
        area: &str,
        owner: &str,
        payee: &str,
        usage: Use,
        amount: i128,
    ) -> Option<()> {
        self.owes(month, area, payee, usage, -amount);
        match self.people.get(owner)?.under_way.clone() {
            Some(case) => {
                self.cases.get_mut(&case)?.waiting.push((area.to_owned(), usage, amount));
            }
            None => {
                let keeper = self.keeper(owner)?;
                self.owes(month, area, &keeper, usage, amount);
            }
        }
        Some(())
    }

    fn taken_again(&mut self, month: &str, id: &str, own: &str, legs: &[Leg]) -> Option<()> {
        let mut payment = self.payments.remove(id)?;
        let usage = payment.usage;
        let was_back = payment.is_back();
        let mut taken: Vec<(String, String, i128)> = Vec::new();
        for leg in legs {
            let part = payment.parts.iter_mut().find(|part| part.relation == leg.relation)?;
            let amount = fen(&leg.amount);
            part.refunded -= amount;
            taken.push((part.area.clone(), part.donor.clone(), amount));
            let (area, home) = (part.area.clone(), payment.home.clone());
            self.cell(month, province(&area), scope(&area, &home), usage).fen += amount;
        }
        let own = fen(own);
        if own > 0 {
            taken.push((payment.own_area.clone(), payment.beneficiary.clone(), own));
        }
        for (area, owner, amount) in taken {
            self.owes(month, &area, &payment.payee, usage, amount);
            let keeper = self.keeper(&owner)?;
            self.owes(month, &area, &keeper, usage, -amount);
        }
        if !legs.is_empty() && was_back {
            self.counted(month, &payment, 1);
        }
        self.payments.insert(id.to_owned(), payment);
        Some(())
    }

    fn cell(&mut self, month: &str, giving: &str, scope: Scope, usage: Use) -> &mut Figure {
        self.cells.entry((month.to_owned(), giving.to_owned(), scope, usage)).or_default()
    }

    fn counted(&mut self, month: &str, payment: &Payment, by: i128) {
        if let Some((giving, scope)) = payment.place() {
            self.cell(month, &giving, scope, payment.usage).count += by;
        }
    }

    fn owes(&mut self, month: &str, payer: &str, payee: &str, usage: Use, amount: i128) {
        if payer != payee && amount != 0 {
            let debt = (month.to_owned(), payer.to_owned(), payee.to_owned(), usage);
            *self.owed.entry(debt).or_default() += amount;
        }
    }

    /// The report of a month's year until it.
    pub fn report(&self, until: &str) -> Report {
        let year = until.get(..4).unwrap_or_default();
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        for ((month, giving, scope, usage), figure) in &self.cells {
            if !month.starts_with(year) || month.as_str() > until {
                continue;
            }
            let scope = match scope {
                Scope::SameArea => "same area",
                Scope::InProvince => "in province",
                Scope::CrossProvince => "cross province",
            };
            let usage = match usage {
                Use::Institution => "institution",
                Use::Pharmacy => "pharmacy",
                Use::ResidentPremium | Use::CarePremium => "premium",
                Use::Other => "other",
            };
            for name in ["total", scope, usage, &format!("province {giving}")] {
                let row = rows.entry(name.to_owned()).or_default();
                row.sum.count += figure.count;
                row.sum.fen += figure.fen;
                if month == until {
                    row.growth.count += figure.count;
                    row.growth.fen += figure.fen;
                }
            }
        }
        rows.retain(|_, row| *row != Row::default());
        let top = |by: fn(&Figure) -> i128| {
            let provinces =
                rows.iter().filter_map(|(name, row)| Some((name.strip_prefix("province ")?, row)));
            let mut some: Vec<(i128, &str)> =
                provinces.map(|(code, row)| (by(&row.sum), code)).filter(|(value, _)| *value > 0).collect();
            some.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(other.1)));
            some.into_iter().take(5).map(|(_, code)| code.to_owned()).collect()
        };
        Report { top_by_count: top(|figure| figure.count), top_by_amount: top(|figure| figure.fen), rows }
    }
}

#[cfg(test)]
mod tests;
