//! The movements of a month.

use super::pages::{Passing, make_token, page_rows, read_token, token_invalid};
use super::{QueryService, bad};
use crate::fault::Fault;
use crate::wire;
use ::ledger::movements::{Most, Page, page};
use ::ledger::{Key, Month, PaymentId, Position, Province};
use proto::v1 as pb;
use tonic::Status;

/// Transactions of a kind that are looked at in one step, and the steps of one call, at most, to fill a page.
const STEP: usize = 1_000;
const STEPS_MAX: usize = 10;

impl QueryService {
    pub(super) async fn movements(
        &self,
        asked: pb::ListMovementsRequest,
    ) -> Result<pb::ListMovementsResponse, Status> {
        let month = wire::month_from_proto("month", &asked.month).map_err(bad)?;
        let province = wire::province_if_given("province", &asked.province).map_err(bad)?;
        let filter = format!("movements {} {}", asked.month, asked.province);
        // A page goes on behind a transaction, whatever kind it was.
        let after = match read_token(&filter, &asked.page_token)? {
            None => None,
            Some(Key::Payment { payment }) => Some(payment.0),
            Some(_) => return Err(token_invalid()),
        };
        let most = page_rows(asked.page_size);
        self.shared.fresh(asked.consistency.as_ref()).await?;
        let header = self.shared.reply_header(&self.shared.state.reader());
        let mut found = self.at_length(move |view| filled(view, month, province, after, most)).await?;
        // Entries are applied meanwhile: what they added is behind everything that the header promises.
        let told = found.rows.partition_point(|row| row.position.index <= header.index);
        if told < found.rows.len() {
            found.rows.truncate(told);
            found.next = None;
        }
        let next = found.next.filter(|next| next.index <= header.index);
        let next_page_token =
            next.map(|next| make_token(&filter, &Key::Payment { payment: PaymentId(next) }));
        Ok(pb::ListMovementsResponse {
            header: Some(header),
            movements: found.rows.iter().map(wire::movement_to_proto).collect(),
            next_page_token: next_page_token.unwrap_or_default(),
        })
    }
}

/// A page with as many rows as are wanted, unless that takes too many steps. Between two steps entries can be applied.
fn filled(
    view: &Passing,
    month: Month,
    province: Option<Province>,
    after: Option<Position>,
    most: usize,
) -> Result<Page, Fault> {
    let mut found = Page { rows: Vec::new(), next: after };
    for _ in 0..STEPS_MAX {
        let left = Most { looked: STEP, rows: most.saturating_sub(found.rows.len()) };
        let Page { rows, next } = page(view, month, province, found.next, left)?;
        found.rows.extend(rows);
        found.next = next;
        if next.is_none() || found.rows.len() >= most {
            break;
        }
    }
    Ok(found)
}
