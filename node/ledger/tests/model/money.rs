//! The naive ledger's sums, each added up from the beginning.

use super::{From, Model};
use ledger::stamp::Month;
use ledger::table::Use;
use ledger::{Area, Person, RelationId};

impl Model {
    fn parts_of(&self, id: RelationId) -> impl Iterator<Item = &super::Part> {
        self.bills.iter().flat_map(|bill| &bill.parts).filter(move |part| part.from == From::Bond(id))
    }

    pub fn limit(&self, id: RelationId) -> u64 {
        let bond = self.bond(id).expect("known");
        bond.put_in.iter().sum::<u64>() - bond.taken_out.iter().sum::<u64>()
    }

    pub fn used(&self, id: RelationId) -> u64 {
        self.parts_of(id).map(|part| part.amount - part.back_to_quota).sum()
    }

    pub fn unused(&self, id: RelationId) -> u64 {
        self.limit(id) - self.used(id)
    }

    pub fn reserved(&self, donor: Person) -> u64 {
        self.bonds.iter().filter(|bond| bond.donor == donor).map(|bond| self.unused(bond.id)).sum()
    }

    pub fn credited(&self, person: Person) -> u128 {
        self.human(person).expect("known").credits.iter().map(|credit| u128::from(*credit)).sum()
    }

    pub fn available(&self, person: Person) -> u64 {
        let mut sum = self.credited(person) as i128;
        for bond in self.bonds.iter().filter(|bond| bond.donor == person) {
            sum -= i128::from(self.limit(bond.id));
            sum += self.parts_of(bond.id).map(|part| i128::from(part.back_to_account)).sum::<i128>();
        }
        for bill in self.bills.iter().filter(|bill| bill.user == person) {
            for part in bill.parts.iter().filter(|part| part.from == From::Own) {
                sum -= i128::from(part.amount) - i128::from(part.back_to_account);
            }
        }
        u64::try_from(sum).expect("nobody is below zero")
    }

    /// Charged and refunded.
    pub fn owed(&self, month: Month, payer: Area, payee: Area, usage: Use) -> (u128, u128) {
        let mut sums = (0, 0);
        for booking in &self.bookings {
            let line = (booking.at.month(), booking.payer, booking.payee, booking.usage);
            if line == (month, payer, payee, usage) {
                *(if booking.back { &mut sums.1 } else { &mut sums.0 }) += u128::from(booking.amount);
            }
        }
        sums
    }
}
