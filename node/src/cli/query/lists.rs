//! Lists: asked for page by page, shown as one.

use super::super::json::Shape;
use super::super::show;
use super::{Asker, Premium, Side, listed, source};
use crate::problem::Problem;
use proto::v1;
use serde_json::{Value, json};

/// Records of one page.
const PAGE_ROWS: u32 = 1_000;

/// Asks page after page: which method with which request, and which part of the answers is shown.
macro_rules! pages {
    ($asker:ident, $method:ident($request:expr) -> $shape:literal $rows:literal) => {{
        let mut request = $request;
        let (mut found, mut header) = (Vec::new(), Value::Null);
        loop {
            let asked = $asker.client.$method(request.clone()).await;
            let reply = asked.map_err(|status| $asker.refused(&status))?.into_inner();
            let page = Shape::of($shape).write(&reply);
            header = if header.is_null() { page["header"].clone() } else { header };
            found.extend(page[$rows].as_array().cloned().unwrap_or_default());
            if reply.next_page_token.is_empty() {
                break (found, header);
            }
            request.page_token = reply.next_page_token;
        }
    }};
}

impl Asker {
    pub(super) async fn relations(mut self, person: String, side: Side) -> Result<(Value, String), Problem> {
        let side = match side {
            Side::Donor => v1::Side::Donor,
            Side::Beneficiary => v1::Side::Beneficiary,
        };
        let request = v1::ListRelationsRequest {
            person,
            side: side.into(),
            page_size: PAGE_ROWS,
            page_token: String::new(),
            consistency: self.consistency,
        };
        let (found, header) = pages!(self, list_relations(request) -> "ListRelationsResponse" "relations");
        let fields =
            ["relation", "donor", "beneficiary", "kinship", "state", "limit", "used", "held", "unused"];
        let shown = listed(&found, &fields, &header);
        Ok((json!({"header": header, "relations": found}), shown))
    }

    pub(super) async fn obligations(
        mut self,
        month: String,
        payer: Option<String>,
        payee: Option<String>,
    ) -> Result<(Value, String), Problem> {
        let request = v1::ListObligationsRequest {
            month,
            payer_province: payer.unwrap_or_default(),
            payee_province: payee.unwrap_or_default(),
            page_size: PAGE_ROWS,
            page_token: String::new(),
            consistency: self.consistency,
        };
        let (found, header) =
            pages!(self, list_obligations(request) -> "ListObligationsResponse" "obligations");
        let fields = ["month", "payer", "payee", "usage", "charged", "refunded", "owed"];
        let shown = listed(&found, &fields, &header);
        Ok((json!({"header": header, "obligations": found}), shown))
    }

    pub(super) async fn clearing(
        mut self,
        month: String,
        [payer_province, payee_province, province]: [String; 3],
    ) -> Result<(Value, String), Problem> {
        let request = v1::ListClearingRequest {
            month,
            payer_province,
            payee_province,
            province,
            page_size: PAGE_ROWS,
            page_token: String::new(),
            consistency: self.consistency,
        };
        let (found, header) = pages!(self, list_clearing(request) -> "ListClearingResponse" "lines");
        let fields = [
            "payer",
            "payee",
            "amount",
            "payer_confirmed",
            "payee_confirmed",
            "advanced",
            "paid",
            "outstanding",
        ];
        let shown = listed(&found, &fields, &header);
        Ok((json!({"header": header, "lines": found}), shown))
    }

    pub(super) async fn positions(mut self, month: String) -> Result<(Value, String), Problem> {
        let request = v1::ListPositionsRequest { month, consistency: self.consistency };
        let reply =
            self.client.list_positions(request).await.map_err(|status| self.refused(&status))?.into_inner();
        let whole = Shape::of("ListPositionsResponse").write(&reply);
        let stands = match reply.closed_at {
            Some(_) => format!("closed at {}", whole["closed_at"].as_str().unwrap_or_default()),
            None => "not closed: as it stands so far".to_owned(),
        };
        let rows = whole["positions"].as_array().cloned().unwrap_or_default();
        let table = match rows.as_slice() {
            [] => "none".to_owned(),
            rows => show::rows(rows, &["province", "owes", "is_owed", "net"]),
        };
        let shown = format!("{table}\n{stands}\n{}", source(&whole["header"]));
        Ok((whole, shown))
    }

    pub(super) async fn tariff(
        mut self,
        area: String,
        premium: Premium,
        year: u16,
    ) -> Result<(Value, String), Problem> {
        let premium = match premium {
            Premium::Resident => v1::Premium::Resident,
            Premium::Care => v1::Premium::Care,
        };
        let request = v1::GetTariffRequest {
            area,
            premium: premium.into(),
            year: year.into(),
            consistency: self.consistency,
        };
        let reply =
            self.client.get_tariff(request).await.map_err(|status| self.refused(&status))?.into_inner();
        let whole = Shape::of("GetTariffResponse").write(&reply);
        let stands = match (&reply.current, premium) {
            (Some(_), _) => show::record(&whole["current"]),
            (None, v1::Premium::Care) => "none set: not offered".to_owned(),
            (None, _) => "none set: any amount".to_owned(),
        };
        let shown = format!("{stands}\n{}", source(&whole["header"]));
        Ok((whole, shown))
    }

    pub(super) async fn reconcile(
        mut self,
        day: String,
        institution: Option<String>,
        area: Option<String>,
        totals_only: bool,
    ) -> Result<(Value, String), Problem> {
        use v1::reconcile_request::Who;
        let who = institution.map(Who::Institution).or(area.map(Who::Area));
        let request = v1::ReconcileRequest { who, day, totals_only, consistency: self.consistency };
        let asked = self.client.reconcile(request).await;
        let mut stream = asked.map_err(|status| self.refused(&status))?.into_inner();
        let shape = Shape::of("ReconcileResponse");
        let (mut rows, mut last) = (Vec::new(), None);
        while let Some(part) = stream.message().await.map_err(|status| self.refused(&status))? {
            let part_is_last = part.last;
            let part = shape.write(&part);
            rows.extend(part["rows"].as_array().cloned().unwrap_or_default());
            if part_is_last {
                last = Some(part);
            }
        }
        let Some(last) = last else {
            let cut = tonic::Status::unavailable("the day ended without its totals");
            return Err(self.refused(&cut));
        };
        let totals = last["totals"].as_array().cloned().unwrap_or_default();
        let mut shown = Vec::new();
        if !rows.is_empty() {
            let fields = ["position", "payment", "refund", "insurance", "clearing_type", "is_refund"];
            shown.push(show::rows(&with_parts(&rows), &[&fields[..], &PARTS[..]].concat()));
        }
        if !totals.is_empty() {
            let fields = ["insurance", "clearing_type", "is_refund", "count"];
            shown.push(show::rows(&with_parts(&totals), &[&fields[..], &PARTS[..]].concat()));
        }
        if totals.is_empty() {
            shown.push("nothing was paid or given back".to_owned());
        }
        shown.push(source(&last["header"]));
        Ok((json!({"header": last["header"], "rows": rows, "totals": totals}), shown.join("\n\n")))
    }
}

const PARTS: [&str; 4] = ["amount", "own", "aid", "cash"];

/// Records with the fields of their `parts` beside their own, for a table.
fn with_parts(records: &[Value]) -> Vec<Value> {
    let flat = |record: &Value| {
        let mut flat = record.clone();
        for part in PARTS {
            flat[part] = record["parts"][part].clone();
        }
        flat
    };
    records.iter().map(flat).collect()
}
