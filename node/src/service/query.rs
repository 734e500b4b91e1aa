//! The door for reads.

use super::unwell;
use crate::server::Shared;
use crate::state::Reader;
use crate::wire;
use ::ledger::id::{Area, Position, RelationId};
use ::ledger::table::{RelationRecord, RelationState, Use};
use ::ledger::{Key, Month, Person, Row, View};
use proto::status;
use proto::v1::{self as pb, Reason};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The most rows of one page, and how many when none are asked for.
const PAGE_MAX: u32 = 500;
/// Rows that one call looks at, at most, to fill a page, and in one step.
const SCAN_MAX: usize = 20_000;
const SCAN_STEP: usize = 500;

/// `gongji.v1.Query`.
pub struct QueryService {
    shared: Arc<Shared>,
}

impl QueryService {
    pub(crate) fn new(shared: Arc<Shared>) -> QueryService {
        QueryService { shared }
    }
}

fn bad(bad: wire::BadField) -> Status {
    status::bad_field(&bad.field, &bad.problem)
}

fn absent(what: &str) -> Status {
    status::status(Reason::RecordUnknown, what)
}

fn get(reader: &Reader<'_>, key: &Key) -> Result<Option<Arc<Row>>, Status> {
    reader.get(key).map_err(|fault| unwell(&fault))
}

/// How many rows a page has.
fn page_rows(asked: u32) -> usize {
    if asked == 0 { PAGE_MAX as usize } else { asked.min(PAGE_MAX) as usize }
}

/// A page token is the key to go on from, and a hash of what was asked: a token of another question is refused.
fn make_token(filter: &str, next: &Key) -> String {
    let key = ::ledger::codec::encode_key(next);
    let mut token = format!("{:08x}", crc32fast::hash(filter.as_bytes()));
    for byte in key {
        token.push_str(&format!("{byte:02x}"));
    }
    token
}

fn read_token(filter: &str, token: &str) -> Result<Option<Key>, Status> {
    if token.is_empty() {
        return Ok(None);
    }
    let (check, key) = token.split_at_checked(8).ok_or_else(token_invalid)?;
    if check != format!("{:08x}", crc32fast::hash(filter.as_bytes())) || !key.is_ascii() {
        return Err(token_invalid());
    }
    let digits =
        |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = key.as_bytes().chunks(2).map(digits).collect();
    bytes.and_then(|bytes| Key::read(&bytes)).map(Some).ok_or_else(token_invalid)
}

/// A token of another question, or of nobody's.
fn token_invalid() -> Status {
    status::status(Reason::PageTokenInvalid, "")
}

/// The active ones among these relations.
fn active(
    reader: &Reader<'_>,
    relations: impl Iterator<Item = RelationId>,
) -> Result<Vec<RelationRecord>, Status> {
    let mut found = Vec::new();
    for relation in relations {
        let row = get(reader, &Key::Relation { relation })?;
        if let Some(Row::Relation(record)) = row.as_deref()
            && record.state == RelationState::Active
        {
            found.push(record.clone());
        }
    }
    Ok(found)
}

fn relation_row(reader: &Reader<'_>, relation: RelationId) -> Result<Option<pb::Relation>, Status> {
    let row = get(reader, &Key::Relation { relation })?;
    let Some(Row::Relation(record)) = row.as_deref() else { return Ok(None) };
    Ok(Some(wire::relation_to_proto(relation, record)))
}

#[tonic::async_trait]
impl pb::query_server::Query for QueryService {
    async fn get_person(
        &self,
        request: Request<pb::GetPersonRequest>,
    ) -> Result<Response<pb::GetPersonResponse>, Status> {
        let asked = request.into_inner();
        let person = wire::person_from_proto("person", &asked.person).map_err(bad)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let row = get(&reader, &Key::Person { person })?;
        let Some(Row::Person(record)) = row.as_deref() else {
            return Err(absent("the person is not enrolled"));
        };
        let person = Some(wire::person_to_proto(person, record));
        Ok(Response::new(pb::GetPersonResponse { header: Some(self.shared.reply_header(&reader)), person }))
    }

    async fn get_balances(
        &self,
        request: Request<pb::GetBalancesRequest>,
    ) -> Result<Response<pb::GetBalancesResponse>, Status> {
        let asked = request.into_inner();
        let person = wire::person_from_proto("person", &asked.person).map_err(bad)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let row = get(&reader, &Key::Person { person })?;
        let Some(Row::Person(record)) = row.as_deref() else {
            return Err(absent("the person is not enrolled"));
        };
        let given = giving(&reader, person, None, SCAN_MAX)?.into_iter().map(|(_, relation)| relation);
        let given = active(&reader, given)?;
        let received = active(&reader, record.donors.iter().copied())?;
        let balances = wire::balances_to_proto(person, record, given.iter(), received.iter());
        let header = Some(self.shared.reply_header(&reader));
        Ok(Response::new(pb::GetBalancesResponse { header, balances: Some(balances) }))
    }

    async fn get_relation(
        &self,
        request: Request<pb::GetRelationRequest>,
    ) -> Result<Response<pb::GetRelationResponse>, Status> {
        let asked = request.into_inner();
        let relation = wire::relation_from_proto("relation", &asked.relation).map_err(bad)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let found = relation_row(&reader, relation)?.ok_or_else(|| absent("there is no such relation"))?;
        let header = Some(self.shared.reply_header(&reader));
        Ok(Response::new(pb::GetRelationResponse { header, relation: Some(found) }))
    }

    async fn list_relations(
        &self,
        request: Request<pb::ListRelationsRequest>,
    ) -> Result<Response<pb::ListRelationsResponse>, Status> {
        let asked = request.into_inner();
        let person = wire::person_from_proto("person", &asked.person).map_err(bad)?;
        let filter = format!("relations {} {}", asked.person, asked.side);
        let after = read_token(&filter, &asked.page_token)?;
        let own = match after {
            None => true,
            Some(Key::Giving { donor, .. }) => donor == person && asked.side() == pb::Side::Donor,
            Some(Key::Relation { .. }) => asked.side() == pb::Side::Beneficiary,
            Some(_) => false,
        };
        if !own {
            return Err(token_invalid());
        }
        let most = page_rows(asked.page_size);
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        // One relation more than the page holds tells whether there is another page.
        let mut found: Vec<RelationId> = match asked.side() {
            pb::Side::Donor => {
                giving(&reader, person, after, most + 1)?.into_iter().map(|(_, relation)| relation).collect()
            }
            pb::Side::Beneficiary => {
                let row = get(&reader, &Key::Person { person })?;
                let Some(Row::Person(record)) = row.as_deref() else {
                    return Err(absent("the person is not enrolled"));
                };
                let from = match after {
                    Some(Key::Relation { relation }) => record
                        .donors
                        .iter()
                        .position(|donor| *donor == relation)
                        .unwrap_or(record.donors.len()),
                    _ => 0,
                };
                record.donors.iter().skip(from).take(most + 1).copied().collect()
            }
            pb::Side::Unspecified => {
                return Err(status::bad_field("side", "must be SIDE_DONOR or SIDE_BENEFICIARY"));
            }
        };
        let mut next_page_token = String::new();
        if found.len() > most {
            let relation = found.pop().expect("more than the page holds");
            let next = match asked.side() {
                pb::Side::Donor => Key::Giving { donor: person, relation },
                pb::Side::Beneficiary | pb::Side::Unspecified => Key::Relation { relation },
            };
            next_page_token = make_token(&filter, &next);
        }
        let mut relations = Vec::with_capacity(found.len());
        for relation in found {
            relations.extend(relation_row(&reader, relation)?);
        }
        let header = Some(self.shared.reply_header(&reader));
        Ok(Response::new(pb::ListRelationsResponse { header, relations, next_page_token }))
    }

    async fn get_payment(
        &self,
        request: Request<pb::GetPaymentRequest>,
    ) -> Result<Response<pb::GetPaymentResponse>, Status> {
        let asked = request.into_inner();
        let payment = wire::payment_from_proto("payment", &asked.payment).map_err(bad)?;
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let row = get(&reader, &Key::Payment { payment })?;
        let Some(Row::Payment(record)) = row.as_deref() else {
            return Err(absent("there is no such settlement"));
        };
        let payment = Some(wire::payment_to_proto(payment, record));
        let header = Some(self.shared.reply_header(&reader));
        Ok(Response::new(pb::GetPaymentResponse { header, payment }))
    }

    async fn list_obligations(
        &self,
        request: Request<pb::ListObligationsRequest>,
    ) -> Result<Response<pb::ListObligationsResponse>, Status> {
        let asked = request.into_inner();
        let month = wire::month_from_proto("month", &asked.month).map_err(bad)?;
        let payer_province = wire::province_if_given("payer_province", &asked.payer_province).map_err(bad)?;
        let payee_province = wire::province_if_given("payee_province", &asked.payee_province).map_err(bad)?;
        let filter = format!("obligations {} {} {}", asked.month, asked.payer_province, asked.payee_province);
        let (first, until) = (obligations_from(month), obligations_from(month_after(month)));
        let mut from = read_token(&filter, &asked.page_token)?.unwrap_or(first);
        // The token comes from outside: it may lead nowhere but into this month.
        if from < first || from >= until {
            return Err(token_invalid());
        }
        let most = page_rows(asked.page_size);
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let reader = self.shared.state.reader();
        let (mut obligations, mut next_page_token) = (Vec::new(), String::new());
        // A range has no exclusive start: each read begins with the last key of the one before.
        let (mut seen, mut scanned) = (None, 0);
        'pages: loop {
            let rows = reader.range(&from, &until, SCAN_STEP).map_err(|fault| unwell(&fault))?;
            let full = rows.len() == SCAN_STEP;
            for (key, row) in rows {
                let (Key::Obligation { month, payer, payee, usage }, Row::Obligation(record)) =
                    (key, row.as_ref())
                else {
                    return Err(status::status(
                        Reason::NodeUnwell,
                        "a record of another table among the obligations",
                    ));
                };
                if seen == Some(key) {
                    continue;
                }
                scanned += 1;
                // A full page, or enough looked at for one call: the rest is the next page's.
                if obligations.len() == most || scanned > SCAN_MAX {
                    next_page_token = make_token(&filter, &key);
                    break 'pages;
                }
                (seen, from) = (Some(key), key);
                let wanted = payer_province.is_none_or(|province| payer.province() == province)
                    && payee_province.is_none_or(|province| payee.province() == province);
                if wanted {
                    obligations.push(wire::obligation_to_proto(month, payer, payee, usage, record));
                }
            }
            if !full {
                break;
            }
        }
        let header = Some(self.shared.reply_header(&reader));
        Ok(Response::new(pb::ListObligationsResponse { header, obligations, next_page_token }))
    }
}

/// A donor's live relations and pending proposals from a key on.
fn giving(
    reader: &Reader<'_>,
    donor: Person,
    from: Option<Key>,
    most: usize,
) -> Result<Vec<(Key, RelationId)>, Status> {
    let position = |index, place| RelationId(Position { index, place });
    let from = from.unwrap_or(Key::Giving { donor, relation: position(0, 0) });
    let until = Key::Giving { donor, relation: position(u64::MAX, u16::MAX) };
    let rows = reader.range(&from, &until, most).map_err(|fault| unwell(&fault))?;
    let relation = |(key, _)| match key {
        Key::Giving { relation, .. } => Some((key, relation)),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(relation).collect())
}

fn obligations_from(month: Month) -> Key {
    let lowest = Area::new(110_000).expect("Beijing is a province of the scheme");
    Key::Obligation { month, payer: lowest, payee: lowest, usage: Use::Institution }
}

fn month_after(month: Month) -> Month {
    if month.month == 12 {
        Month { year: month.year + 1, month: 1 }
    } else {
        Month { month: month.month + 1, ..month }
    }
}
