//! Asks a node for a month, and hands it to the statement as it comes.

use super::super::connect::{Reached, refused};
use crate::problem::{Exit, Problem};
use crate::statement::facts::{Closed, Facts, Line, Obligation, month as written};
use crate::statement::{Report, Statement, yuan};
use ledger::codec::{append_row, encode_key};
use ledger::digest::RowHash;
use ledger::table::Record;
use ledger::{Area, Key, Month, Province, Stamp};
use node::wire;
use proto::v1::cluster_client::ClusterClient;
use proto::v1::query_client::QueryClient;
use proto::v1::{self, Reason};
use std::path::Path;
use tonic::transport::Channel;
use tonic::{Code, Status};

/// Rows of one page.
const PAGE_ROWS: u32 = 1_000;

/// One who asks.
pub struct Fetch {
    node: Reached,
    query: QueryClient<Channel>,
    month: Month,
    province: Province,
    /// The first and the last index that an answer came from.
    read: Option<(u64, u64)>,
}

impl Fetch {
    pub fn new(node: Reached, month: Month, province: Province) -> Fetch {
        let query = QueryClient::new(node.channel.clone()).max_decoding_message_size(64 << 20);
        Fetch { node, query, month, province, read: None }
    }

    /// Writes the statement. `open` allows one of a month that is not closed.
    ///
    /// # Errors
    /// When the month is not closed, a node does not answer, or a file cannot be written.
    pub async fn build(mut self, open: bool, dir: &Path) -> Result<(Facts, Report), Problem> {
        let facts = self.facts(open).await?;
        let mut statement = Statement::begin(facts.clone(), dir)?;
        let mut page_token = String::new();
        loop {
            let asked = v1::ListMovementsRequest {
                month: written(self.month),
                province: format!("{:02}", self.province.code()),
                page_size: PAGE_ROWS,
                page_token,
                consistency: None,
            };
            let reply =
                self.query.list_movements(asked).await.map_err(|status| self.refused(&status))?.into_inner();
            for told in &reply.movements {
                let movement = wire::movement_from_proto(told).map_err(|bad| self.unread(&bad))?;
                // What an open month has gone on with since its sums were read is the next statement's.
                if facts.closed.is_some() || movement.position.index <= facts.read.1 {
                    statement.movement(&movement)?;
                }
            }
            page_token = reply.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        Ok((facts, statement.end()?))
    }

    async fn facts(&mut self, open: bool) -> Result<Facts, Problem> {
        let period = self.period().await?;
        if period.is_none() && !open {
            let month = written(self.month);
            return Err(Problem::new(Exit::Refused, format!("{month} is not closed"))
                .because("a statement of an open month changes with every payment")
                .next(format!(
                    "gongji submit with {{\"caller\":{{\"national\":{{}}}},\"close_period\":{{\"month\":\"{month}\"}}}} \
                     once the month is over, or --open for a preliminary statement"
                )));
        }
        self.read = None;
        let found = self.obligations().await?;
        let still = self.read.is_none_or(|(first, last)| first == last);
        let lines = match &period {
            Some(_) => self.lines().await?,
            None => Vec::new(),
        };
        let position = self.position().await?;
        let still = still && self.read.is_none_or(|(first, last)| first == last);
        let closed = match period {
            Some(period) => Some(Closed {
                at: self.stamp(period.closed_at)?,
                digest: period.digest,
                digest_read: found.digest.bytes().iter().map(|byte| format!("{byte:02x}")).collect(),
                obligations: period.obligations.into(),
                obligations_read: found.count,
                lines,
            }),
            None => None,
        };
        let (cluster, state) = self.state().await?;
        Ok(Facts {
            month: self.month,
            province: self.province,
            cluster,
            read: self.read.unwrap_or_default(),
            state,
            closed,
            obligations: found.own,
            still,
            position,
        })
    }

    /// The closed month; none for one that is open or being closed.
    async fn period(&mut self) -> Result<Option<v1::Period>, Problem> {
        let asked = v1::GetPeriodRequest { month: written(self.month), consistency: None };
        match self.query.get_period(asked).await {
            Ok(reply) => Ok(reply.into_inner().period.filter(|period| period.closed_at.is_some())),
            Err(status) if is_absent(&status) => Ok(None),
            Err(status) => Err(self.refused(&status)),
        }
    }

    /// All obligations of the month, for their digest; those of the province are kept.
    async fn obligations(&mut self) -> Result<Obligations, Problem> {
        let mut found = Obligations { own: Vec::new(), count: 0, digest: RowHash::default() };
        let (mut page_token, mut value) = (String::new(), Vec::new());
        loop {
            let asked = v1::ListObligationsRequest {
                month: written(self.month),
                page_size: PAGE_ROWS,
                page_token,
                ..Default::default()
            };
            let reply = self
                .query
                .list_obligations(asked)
                .await
                .map_err(|status| self.refused(&status))?
                .into_inner();
            self.read_at(reply.header);
            for told in &reply.obligations {
                let (month, told) = wire::obligation_from_proto(told).map_err(|bad| self.unread(&bad))?;
                let (payer, payee, usage) = (told.payer, told.payee, told.usage);
                value.clear();
                append_row(&told.record.into_row(), &mut value);
                let hash = RowHash::of(&encode_key(&Key::Obligation { month, payer, payee, usage }), &value);
                found.digest = found.digest.plus(hash);
                found.count += 1;
                if self.concerns(payer, payee) {
                    let whole = |sum: ledger::Sum| sum.get() as i128; // no month comes near 2^127 fen
                    let (charged, refunded) = (whole(told.record.charged), whole(told.record.refunded));
                    found.own.push(Obligation { payer, payee, usage, charged, refunded });
                }
            }
            page_token = reply.next_page_token;
            if page_token.is_empty() {
                return Ok(found);
            }
        }
    }

    async fn lines(&mut self) -> Result<Vec<Line>, Problem> {
        let (mut lines, mut page_token) = (Vec::new(), String::new());
        loop {
            let asked = v1::ListClearingRequest {
                month: written(self.month),
                province: format!("{:02}", self.province.code()),
                page_size: PAGE_ROWS,
                page_token,
                ..Default::default()
            };
            let reply =
                self.query.list_clearing(asked).await.map_err(|status| self.refused(&status))?.into_inner();
            self.read_at(reply.header);
            for told in &reply.lines {
                lines.push(Line {
                    payer: self.area(&told.payer)?,
                    payee: self.area(&told.payee)?,
                    amount: self.fen(&told.amount)?,
                    payer_confirmed: told.payer_confirmed,
                    payee_confirmed: told.payee_confirmed,
                    advanced: self.fen(&told.advanced)?,
                    paid: self.fen(&told.paid)?,
                    disputes: told.disputes.len() as u64,
                });
            }
            page_token = reply.next_page_token;
            if page_token.is_empty() {
                return Ok(lines);
            }
        }
    }

    /// What the province owes others and is owed by others.
    async fn position(&mut self) -> Result<(i128, i128), Problem> {
        let asked = v1::ListPositionsRequest { month: written(self.month), consistency: None };
        let reply =
            self.query.list_positions(asked).await.map_err(|status| self.refused(&status))?.into_inner();
        self.read_at(reply.header);
        let code = format!("{:02}", self.province.code());
        match reply.positions.iter().find(|position| position.province == code) {
            Some(position) => Ok((self.fen(&position.owes)?, self.fen(&position.is_owed)?)),
            None => Ok((0, 0)),
        }
    }

    /// The cluster's id, and the digest of the state that was read last, or else of the newest, with its index.
    async fn state(&mut self) -> Result<(String, (String, u64)), Problem> {
        let mut door = ClusterClient::new(self.node.channel.clone());
        let (_, last) = self.read.unwrap_or_default();
        let mut told = v1::StatusResponse::default();
        for digest_index in [last, 0] {
            let asked = v1::StatusRequest { local: true, digest_index };
            told = door.status(asked).await.map_err(|status| self.refused(&status))?.into_inner();
            if told.nodes.first().is_some_and(|node| !node.digest.is_empty()) {
                break;
            }
        }
        let node = told.nodes.into_iter().next().unwrap_or_default();
        Ok((told.cluster, (node.digest, node.digest_index)))
    }

    fn concerns(&self, payer: Area, payee: Area) -> bool {
        payer.province() == self.province || payee.province() == self.province
    }

    fn read_at(&mut self, header: Option<v1::ReplyHeader>) {
        let index = header.map_or(0, |header| header.index);
        let (first, last) = self.read.unwrap_or((index, index));
        self.read = Some((first.min(index), last.max(index)));
    }

    fn area(&self, code: &str) -> Result<Area, Problem> {
        wire::area_from_proto("area", code).map_err(|bad| self.unread(&bad))
    }

    fn fen(&self, amount: &str) -> Result<i128, Problem> {
        yuan::parse(amount).ok_or_else(|| self.unread(&"an amount that is none"))
    }

    fn stamp(&self, at: Option<prost_types::Timestamp>) -> Result<Stamp, Problem> {
        let at = at.ok_or_else(|| self.unread(&"a closed month without its moment"))?;
        let ms = at.seconds.checked_mul(1_000).and_then(|ms| ms.checked_add(i64::from(at.nanos / 1_000_000)));
        ms.and_then(|ms| u64::try_from(ms).ok())
            .map(Stamp)
            .ok_or_else(|| self.unread(&"a moment that is none"))
    }

    fn refused(&self, status: &Status) -> Problem {
        refused(status, &self.node.address, "statement")
    }

    /// An answer that this program does not understand.
    fn unread(&self, why: &dyn std::fmt::Display) -> Problem {
        Problem::new(Exit::WrongCluster, format!("the answer of {} is not understood", self.node.address))
            .because(why)
            .next("gongji status shows the versions of the nodes; use the same for this program")
    }
}

/// The obligations of a month.
struct Obligations {
    /// Those of the province.
    own: Vec<Obligation>,
    /// How many there are of all provinces.
    count: u64,
    /// The sum of the hashes of all.
    digest: RowHash,
}

fn is_absent(status: &Status) -> bool {
    status.code() == Code::NotFound && proto::status::reason_of(status) == Some(Reason::RecordUnknown)
}
