//! Relations of a person, and the sums that come of them.

use super::pages::{make_token, page_rows, read_token, token_invalid};
use super::registers::now;
use super::{QueryService, absent, bad, find};
use crate::service::unwell;
use crate::state::Reader;
use crate::wire;
use ::ledger::table::{CaseRecord, CaseState, PersonRecord, RelationRecord, RelationState};
use ::ledger::{Fen, Key, Person, Position, RelationId, Row, View};
use proto::status;
use proto::v1::{self as pb, Side};
use tonic::Status;

/// Relations of a donor that the sums look at, at most.
const SUM_MAX: usize = 20_000;
/// Index rows that are read in one step.
const STEP: usize = 500;

impl QueryService {
    pub(super) async fn balances(
        &self,
        asked: pb::GetBalancesRequest,
    ) -> Result<pb::GetBalancesResponse, Status> {
        let person = wire::person_from_proto("person", &asked.person).map_err(bad)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let record = enrolled(&reader, person)?;
        let given = giving(&reader, person, None, SUM_MAX)?.into_iter().map(|(_, relation)| relation);
        let given = active(&reader, given)?;
        let received = active(&reader, record.donors.iter().copied())?;
        let case = match record.transfer {
            Some(case) => find::<CaseRecord>(&reader, &Key::Case { case })?,
            None => None,
        };
        let in_transit =
            case.filter(|case| case.state == CaseState::Sent).map_or(Fen::ZERO, |case| case.balance);
        let now = now(&reader)?;
        let balances =
            wire::balances_to_proto(person, &record, given.iter(), received.iter(), in_transit, now);
        let header = Some(self.shared.reply_header(&reader));
        Ok(pb::GetBalancesResponse { header, balances: Some(balances) })
    }

    pub(super) async fn relations(
        &self,
        asked: pb::ListRelationsRequest,
    ) -> Result<pb::ListRelationsResponse, Status> {
        let person = wire::person_from_proto("person", &asked.person).map_err(bad)?;
        let filter = format!("relations {} {}", asked.person, asked.side);
        let after = read_token(&filter, &asked.page_token)?;
        // The token comes from outside: it may lead nowhere but to this person's relations.
        let own = match after {
            None => true,
            Some(Key::Giving { donor, .. }) => donor == person && asked.side() == Side::Donor,
            Some(Key::Receiving { beneficiary, .. }) => {
                beneficiary == person && asked.side() == Side::Beneficiary
            }
            Some(Key::Relation { .. }) => asked.side() == Side::Beneficiary,
            Some(_) => false,
        };
        if !own {
            return Err(token_invalid());
        }
        let most = page_rows(asked.page_size);
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        // One relation more than the page holds tells whether there is another page.
        let mut found = match asked.side() {
            Side::Donor => giving(&reader, person, after, most + 1)?,
            Side::Beneficiary => receiving(&reader, person, after, most + 1)?,
            Side::Unspecified => {
                return Err(status::bad_field("side", "must be SIDE_DONOR or SIDE_BENEFICIARY"));
            }
        };
        let mut next_page_token = String::new();
        if found.len() > most {
            let (next, _) = found.pop().expect("more than the page holds");
            next_page_token = make_token(&filter, &next);
        }
        let mut relations = Vec::with_capacity(found.len());
        for (_, relation) in found {
            let record = find::<RelationRecord>(&reader, &Key::Relation { relation })?;
            relations.extend(record.map(|record| wire::relation_to_proto(relation, &record)));
        }
        let header = Some(self.shared.reply_header(&reader));
        Ok(pb::ListRelationsResponse { header, relations, next_page_token })
    }
}

fn enrolled(reader: &Reader<'_>, person: Person) -> Result<::ledger::Found<PersonRecord>, Status> {
    find(reader, &Key::Person { person })?.ok_or_else(|| absent("the person is not enrolled"))
}

/// The active ones among these relations.
fn active(
    reader: &Reader<'_>,
    relations: impl Iterator<Item = RelationId>,
) -> Result<Vec<RelationRecord>, Status> {
    let mut found = Vec::new();
    for relation in relations {
        let record = find::<RelationRecord>(reader, &Key::Relation { relation })?;
        found.extend(record.filter(|record| record.is_active()).map(|record| record.clone()));
    }
    Ok(found)
}

const FIRST: RelationId = RelationId(Position { index: 0, place: 0 });
const LAST: RelationId = RelationId(Position { index: u64::MAX, place: u16::MAX });

/// A donor's live relations and pending proposals from a key on, at most `most`.
fn giving(
    reader: &Reader<'_>,
    donor: Person,
    from: Option<Key>,
    most: usize,
) -> Result<Vec<(Key, RelationId)>, Status> {
    let from = from.unwrap_or(Key::Giving { donor, relation: FIRST });
    let until = Key::Giving { donor, relation: LAST };
    let rows = reader.range(&from, &until, most).map_err(|fault| unwell(&fault))?;
    let relation = |(key, _)| match key {
        Key::Giving { relation, .. } => Some((key, relation)),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(relation).collect())
}

/// A beneficiary's active relations in the order of deduction, then the pending proposals, from a key on.
fn receiving(
    reader: &Reader<'_>,
    beneficiary: Person,
    from: Option<Key>,
    most: usize,
) -> Result<Vec<(Key, RelationId)>, Status> {
    let record = enrolled(reader, beneficiary)?;
    let mut found: Vec<(Key, RelationId)> = match from {
        Some(Key::Receiving { .. }) => Vec::new(),
        from => {
            let begins = |relation: &RelationId| from == Some(Key::Relation { relation: *relation });
            let place = match from {
                None => Some(0),
                Some(_) => record.donors.iter().position(begins), // gone meanwhile: the order is behind us
            };
            let rest = record.donors.iter().skip(place.unwrap_or(record.donors.len())).take(most);
            rest.map(|relation| (Key::Relation { relation: *relation }, *relation)).collect()
        }
    };
    let mut from = match from {
        Some(from @ Key::Receiving { .. }) => from,
        _ => Key::Receiving { beneficiary, relation: FIRST },
    };
    let until = Key::Receiving { beneficiary, relation: LAST };
    let mut seen = None;
    while found.len() < most {
        let rows = reader.range(&from, &until, STEP).map_err(|fault| unwell(&fault))?;
        let full = rows.len() == STEP;
        for (key, _) in rows {
            let Key::Receiving { relation, .. } = key else { continue };
            if seen.replace(key) == Some(key) || found.len() == most {
                continue;
            }
            from = key;
            let row = reader.get(&Key::Relation { relation }).map_err(|fault| unwell(&fault))?;
            let proposed = matches!(row.as_deref(), Some(Row::Relation(record))
                if matches!(record.state, RelationState::Proposed { .. }));
            if proposed {
                found.push((key, relation));
            }
        }
        if !full {
            break;
        }
    }
    Ok(found)
}
