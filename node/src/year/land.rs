//! The land of a year: areas where people live, their institutions, and what is open when.

use super::rng::Rng;
use crate::places::PROVINCES;
use crate::scheme::{self, Stage};
use client::v1::InstitutionKind;
use ledger::{Day, Stamp};

/// Where many go to work.
const BUSY: [&str; 6] = ["11", "31", "32", "33", "44", "12"];
/// Where long-term-care insurance is offered in this play: a tariff of 410.
const CARE: [&str; 8] = ["31", "32", "33", "36", "37", "42", "44", "61"];
/// Where 390 costs exactly so much in this play, in fen; elsewhere any amount is taken.
pub const RESIDENT_TARIFF: u64 = 400 * 100;
/// What 410 costs where it is offered, in fen.
pub const CARE_TARIFF: u64 = 90 * 100;

/// A pooling area where people live.
#[derive(Clone, Debug)]
pub struct Area {
    /// Its six digits.
    pub code: &'static str,
    /// When it is open for cross-province aid: from, until.
    openings: Vec<(Stamp, Option<Stamp>)>,
    /// Its institutions, by their place in the land.
    pub institutions: Vec<usize>,
}

/// A designated institution.
#[derive(Clone, Debug)]
pub struct Institution {
    /// Its code.
    pub code: String,
    /// Hospital or pharmacy.
    pub kind: InstitutionKind,
    /// Its area, by its place in the land.
    pub area: usize,
    /// Accepts the wallet.
    pub open: bool,
    /// May not spend.
    pub suspended: bool,
}

/// All areas where people live.
#[derive(Clone, Debug)]
pub struct Land {
    /// By code.
    pub areas: Vec<Area>,
    /// Of all areas.
    pub institutions: Vec<Institution>,
    /// From when on Guangdong's in-province scope is wide.
    pub widening: Stamp,
}

/// The province of an area's code, by its two digits.
pub fn province_of(code: &str) -> &str {
    code.get(..2).unwrap_or_default()
}

impl Land {
    /// So many areas of each province, with their institutions.
    pub fn new(areas_each: usize, widening: Stamp) -> Land {
        let mut land = Land { areas: Vec::new(), institutions: Vec::new(), widening };
        for province in PROVINCES {
            let digits = province.code.to_string();
            let codes = scheme::areas().map(|(code, _)| code).filter(|code| province_of(code) == digits);
            for code in codes.take(areas_each) {
                land.settle(code);
            }
        }
        land
    }

    fn settle(&mut self, code: &'static str) {
        let area = self.areas.len();
        let kinds = [('H', InstitutionKind::Hospital), ('P', InstitutionKind::Pharmacy)];
        let mut institutions = Vec::new();
        for (letter, kind) in kinds {
            for number in 1..=2 {
                institutions.push(self.institutions.len());
                let code = format!("{letter}{code}{number:05}");
                // A few second places do not accept the wallet yet.
                let open = number == 1 || !area.is_multiple_of(5);
                self.institutions.push(Institution { code, kind, area, open, suspended: false });
            }
        }
        self.areas.push(Area { code, openings: Vec::new(), institutions });
    }

    /// The code of an area.
    pub fn code(&self, area: usize) -> &'static str {
        self.areas[area].code
    }

    /// The province of an area, by its two digits.
    pub fn province(&self, area: usize) -> &'static str {
        self.code(area).get(..2).unwrap_or_default()
    }

    /// An area is open from a moment on, perhaps until another. The opening that starts last decides.
    pub fn open(&mut self, area: usize, from: Stamp, until: Option<Stamp>) {
        let openings = &mut self.areas[area].openings;
        openings.push((from, until));
        openings.sort_by_key(|(from, _)| *from);
    }

    fn is_open(&self, area: usize, at: Stamp) -> bool {
        let started = self.areas[area].openings.iter().rev().find(|(from, _)| *from <= at);
        started.is_some_and(|(_, until)| until.is_none_or(|until| at < until))
    }

    /// Whether money may pass between two areas.
    pub fn passes(&self, one: usize, other: usize, at: Stamp) -> bool {
        self.province(one) == self.province(other) || self.is_open(one, at) && self.is_open(other, at)
    }

    /// Whether all eight kinds of relatives are in scope between two areas.
    pub fn is_wide(&self, one: usize, other: usize, at: Stamp) -> bool {
        let (one, other) = (self.province(one), self.province(other));
        let wide = PROVINCES.iter().any(|known| known.code.to_string() == one && known.wide);
        one != other || wide || (one == "44" && at >= self.widening)
    }

    /// Whether 410 is offered in an area, once the season has begun.
    pub fn has_care(&self, area: usize) -> bool {
        CARE.contains(&self.province(area))
    }

    /// Whether 390 has one price in an area, once the season has begun.
    pub fn has_resident_tariff(&self, area: usize) -> bool {
        area.is_multiple_of(2)
    }

    /// Areas of the first stage of openings, by their place in the land; then the others.
    pub fn stages(&self) -> [Vec<usize>; 2] {
        let (first, second) =
            (0..self.areas.len()).partition(|area| Stage::February2025.opens(self.code(*area)));
        [first, second]
    }

    /// Anywhere.
    pub fn anywhere(&self, rng: &mut Rng) -> usize {
        rng.below(self.areas.len() as u64) as usize
    }

    /// Where people go to work.
    pub fn at_work(&self, rng: &mut Rng) -> usize {
        let province = rng.pick(&BUSY);
        self.within(province, rng)
    }

    /// Somewhere in a province.
    pub fn within(&self, province: &str, rng: &mut Rng) -> usize {
        let there: Vec<usize> =
            (0..self.areas.len()).filter(|area| self.province(*area) == province).collect();
        rng.pick(&there)
    }

    /// Another area of the same province, if people live in one.
    pub fn nearby(&self, area: usize, rng: &mut Rng) -> Option<usize> {
        let others: Vec<usize> = (0..self.areas.len())
            .filter(|other| *other != area && self.province(*other) == self.province(area))
            .collect();
        (!others.is_empty()).then(|| rng.pick(&others))
    }

    /// A place in another province.
    pub fn far_away(&self, area: usize, rng: &mut Rng) -> usize {
        loop {
            let other = self.anywhere(rng);
            if self.province(other) != self.province(area) {
                return other;
            }
        }
    }

    /// An institution of an area that takes the wallet, of this kind.
    pub fn institution(&self, area: usize, kind: InstitutionKind, rng: &mut Rng) -> Option<usize> {
        let usable: Vec<usize> = self.areas[area]
            .institutions
            .iter()
            .copied()
            .filter(|place| {
                let there = &self.institutions[*place];
                there.kind == kind && there.open && !there.suspended
            })
            .collect();
        (!usable.is_empty()).then(|| rng.pick(&usable))
    }
}

/// Month, first and last day of a holiday.
type Holiday = (u8, u8, u8);

/// The holidays of a year that fall on weekdays, and the weekend days that are worked, from the second of January on:
/// a calendar may not change days that have begun. Of 2026 as published; of other years what is always so.
pub fn holidays(year: u16) -> (Vec<Day>, Vec<Day>) {
    let (free, worked): (&[Holiday], &[(u8, u8)]) = match year {
        2026 => (
            &[(1, 2, 3), (2, 15, 23), (4, 4, 6), (5, 1, 5), (6, 19, 21), (9, 25, 27), (10, 1, 7)],
            &[(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)],
        ),
        _ => (&[(5, 1, 5), (10, 1, 7)], &[]),
    };
    let days = free.iter().flat_map(|(month, from, to)| (*from..=*to).map(|date| (*month, date)));
    let days = days.filter_map(|(month, date)| Day::new(year, month, date));
    let worked = worked.iter().filter_map(|(month, date)| Day::new(year, *month, *date));
    (days.filter(|day| !day.is_weekend()).collect(), worked.filter(|day| day.is_weekend()).collect())
}

/// A day as the wire has it: "2026-10-01".
pub fn day_text(day: Day) -> String {
    let (year, month, date) = day.civil();
    format!("{year:04}-{month:02}-{date:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_province_has_areas_and_every_area_has_places_to_pay() {
        let land = Land::new(3, Stamp(0));
        assert_eq!(land.areas.len(), 27 * 3 + 5);
        for area in &land.areas {
            assert_eq!(area.institutions.len(), 4, "{}", area.code);
            assert!(
                land.institutions[area.institutions[0]].open && land.institutions[area.institutions[2]].open
            );
        }
        let [first, second] = land.stages();
        assert!(!first.is_empty() && !second.is_empty());
    }

    #[test]
    fn the_opening_that_starts_last_decides() {
        let mut land = Land::new(1, Stamp(0));
        let (beijing, tianjin) = (0, 1);
        land.open(beijing, Stamp(10), None);
        land.open(tianjin, Stamp(30), None);
        land.open(tianjin, Stamp(10), Some(Stamp(20)));
        let passes = |at| land.passes(beijing, tianjin, Stamp(at));
        assert_eq!([5, 10, 20, 30].map(passes), [false, true, false, true]);
    }

    #[test]
    fn holidays_are_weekdays_and_extra_working_days_are_not() {
        let (free, worked) = holidays(2026);
        assert!(free.iter().all(|day| !day.is_weekend()) && worked.iter().all(|day| day.is_weekend()));
        assert!(free.is_sorted() && worked.is_sorted());
        assert_eq!((free.len(), worked.len()), (18, 6));
        assert_eq!(day_text(free[0]), "2026-01-02");
    }
}
