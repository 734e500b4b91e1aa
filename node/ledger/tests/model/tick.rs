//! The pulse: what has run out goes back, what is done in steps goes on.

use super::{Model, Phase};
use ledger::{Event, RelationId, RequestId, Stamp};

/// Answers that one pulse forgets.
const FORGOTTEN: usize = 10_000;

impl Model {
    pub(super) fn tick(&mut self) -> Vec<Event> {
        let edge = self.edge.min(RequestId::TIME_MS_MAX);
        let old = self.memory.keys().filter(|(request, _)| request.time_ms() < edge).take(FORGOTTEN);
        let old: Vec<_> = old.copied().collect();
        for id in &old {
            self.memory.remove(id);
        }
        let mut lapsed: Vec<(Stamp, RelationId)> = vec![];
        for (id, bond) in &self.bonds {
            if bond.phase == Phase::Waiting && bond.lapses <= self.now {
                lapsed.push((bond.lapses, *id));
            }
        }
        lapsed.sort();
        let mut events = vec![];
        for (_, relation) in lapsed {
            self.bond_mut(relation).phase = Phase::Dropped;
            events.push(Event::ProposalLapsed { relation });
        }
        events.extend(self.sweep_quotas());
        events.extend(self.sweep_offers());
        events.extend(self.sweep_holds());
        events.extend(self.sweep_cases());
        events.extend(self.sweep_releases());
        events.extend(self.go_on_closing());
        events.push(Event::Ticked { forgotten: old.len() as u32 });
        events
    }
}
