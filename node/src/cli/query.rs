//! `gongji query`: reads the ledger.

mod lists;
mod statistics;
mod what;

use super::connect::{Reached, reach, refused};
use super::json::Shape;
use super::{Nodes, Output, show};
use crate::places;
use crate::problem::{Exit, Problem};
use anyhow::Result;
use proto::v1;
use proto::v1::ledger_client::LedgerClient;
use proto::v1::query_client::QueryClient;
use serde_json::Value;
use std::str::FromStr;
use what::{Premium, Side, What};

/// What the verb is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    nodes: Nodes,
    /// How fresh the answer must be: linearizable, local, or at-least=INDEX (with the index of a receipt)
    #[arg(long, value_name = "LEVEL", default_value = "linearizable", global = true)]
    consistency: Freshness,
    #[arg(short, long, value_enum, default_value = "table", global = true)]
    output: Output,
}

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Freshness(v1::consistency::Level);

impl FromStr for Freshness {
    type Err = String;

    fn from_str(text: &str) -> Result<Freshness, String> {
        use v1::consistency::Level;
        match text.split_once('=') {
            None if text == "linearizable" => Ok(Freshness(Level::Linearizable(v1::Linearizable {}))),
            None if text == "local" => Ok(Freshness(Level::Local(v1::Local {}))),
            Some(("at-least", index)) => {
                let index = index.parse().map_err(|_| format!("{index:?} is no log index"))?;
                Ok(Freshness(Level::AtLeast(index)))
            }
            _ => Err("write linearizable, local, or at-least=1311".into()),
        }
    }
}

/// Runs the verb.
pub async fn run(args: Args) -> Result<Exit> {
    let node = reach(&args.nodes).await?;
    let consistency = Some(v1::Consistency { level: Some(args.consistency.0) });
    let asker = Asker { client: QueryClient::new(node.channel.clone()), node, consistency };
    let (whole, shown) = asker.ask(args.what).await?;
    match args.output {
        Output::Json => println!("{whole}"),
        Output::Table => println!("{shown}"),
    }
    Ok(Exit::Done)
}

struct Asker {
    client: QueryClient<tonic::transport::Channel>,
    node: Reached,
    consistency: Option<v1::Consistency>,
}

/// Asks for one record: which method with which request, and which part of the answer is shown.
macro_rules! record {
    ($asker:ident, $method:ident($request:expr) -> $shape:literal $field:literal) => {{
        let reply = $asker.client.$method($request).await.map_err(|status| $asker.refused(&status))?;
        Ok(single($shape, reply.get_ref(), $field))
    }};
}

impl Asker {
    fn refused(&self, status: &tonic::Status) -> Problem {
        refused(status, &self.node.address, "query")
    }

    /// The answer as JSON, and as text for people.
    async fn ask(mut self, what: What) -> Result<(Value, String), Problem> {
        let consistency = self.consistency;
        match what {
            What::Person { person } => {
                record!(self, get_person(v1::GetPersonRequest { person, consistency }) -> "GetPersonResponse" "person")
            }
            What::Balances { person } => {
                let request = v1::GetBalancesRequest { person, consistency };
                record!(self, get_balances(request) -> "GetBalancesResponse" "balances")
            }
            What::Relation { relation } => {
                let request = v1::GetRelationRequest { relation, consistency };
                record!(self, get_relation(request) -> "GetRelationResponse" "relation")
            }
            What::Payment { payment } => {
                let request = v1::GetPaymentRequest { payment, consistency };
                record!(self, get_payment(request) -> "GetPaymentResponse" "payment")
            }
            What::Institution { institution } => {
                let request = v1::GetInstitutionRequest { institution, consistency };
                record!(self, get_institution(request) -> "GetInstitutionResponse" "institution")
            }
            What::Policy => {
                let request = v1::GetPolicyRequest { consistency };
                record!(self, get_policy(request) -> "GetPolicyResponse" "policy")
            }
            What::Province { province } => {
                let request = v1::GetProvinceRequest { province, consistency };
                record!(self, get_province(request) -> "GetProvinceResponse" "province")
            }
            What::Area { area } => {
                record!(self, get_area(v1::GetAreaRequest { area, consistency }) -> "GetAreaResponse" "area")
            }
            What::Tariff { area, premium, year } => self.tariff(area, premium, year).await,
            What::Calendar { year } => {
                let request = v1::GetCalendarRequest { year: year.into(), consistency };
                record!(self, get_calendar(request) -> "GetCalendarResponse" "calendar")
            }
            What::Offer { offer } => {
                record!(self, get_offer(v1::GetOfferRequest { offer, consistency }) -> "GetOfferResponse" "offer")
            }
            What::Hold { hold } => {
                record!(self, get_hold(v1::GetHoldRequest { hold, consistency }) -> "GetHoldResponse" "hold")
            }
            What::Refund { refund } => {
                record!(self, get_refund(v1::GetRefundRequest { refund, consistency }) -> "GetRefundResponse" "refund")
            }
            What::Case { case } => {
                record!(self, get_case(v1::GetCaseRequest { case, consistency }) -> "GetCaseResponse" "case")
            }
            What::Period { month } => {
                record!(self, get_period(v1::GetPeriodRequest { month, consistency }) -> "GetPeriodResponse" "period")
            }
            What::Fund { province, month } => {
                let month = month.unwrap_or_default();
                let request = v1::GetFundRequest { province, month, consistency };
                record!(self, get_fund(request) -> "GetFundResponse" "fund")
            }
            What::Relations { person, side } => self.relations(person, side).await,
            What::Obligations { month, payer, payee } => self.obligations(month, payer, payee).await,
            What::Clearing { month, payer, payee, province } => {
                self.clearing(month, [payer, payee, province].map(Option::unwrap_or_default)).await
            }
            What::Positions { month } => self.positions(month).await,
            What::Statistics { until } => self.statistics(until).await,
            What::Reconcile { day, institution, area, totals } => {
                self.reconcile(day, institution, area, totals).await
            }
            What::Receipt { request_id, caller } => {
                let mut ledger = LedgerClient::new(self.node.channel.clone());
                let request = v1::GetReceiptRequest { request_id, caller: Some(caller), consistency };
                let reply =
                    ledger.get_receipt(request).await.map_err(|status| self.refused(&status))?.into_inner();
                if reply.result.is_none() {
                    let index = reply.header.map_or(0, |header| header.index);
                    return Err(Problem::new(Exit::NotFound, format!("nothing is remembered under this request id at index {index}"))
                        .because("it was not decided up to there, it is older than the window, or another caller had asked")
                        .next("check --caller; to be certain, send the same transaction again with the same request id"));
                }
                Ok(single("GetReceiptResponse", &reply, "result"))
            }
        }
    }
}

fn single<M: prost::Message>(shape: &str, reply: &M, field: &str) -> (Value, String) {
    let whole = Shape::of(shape).write(reply);
    let shown = format!("{}\n{}", show::record(&whole[field]), source(&whole["header"]));
    (whole, shown)
}

fn listed(found: &[Value], fields: &[&str], header: &Value) -> String {
    match found {
        [] => format!("none\n{}", source(header)),
        _ => format!("{}\n{}", show::rows(found, fields), source(header)),
    }
}

/// `as of index 1311, from 32000001 江苏`.
fn source(header: &Value) -> String {
    let text = |field: &str| header[field].as_str().unwrap_or("0").to_owned();
    let node = text("node").parse().unwrap_or(0);
    let age = match text("age_ms").as_str() {
        "0" => String::new(),
        age => format!(", {age} ms since it heard from the leader"),
    };
    format!("as of index {}, from {}{age}", text("index"), places::node_label(node))
}

#[cfg(test)]
mod tests {
    use super::what::caller;
    use super::*;

    #[test]
    fn levels_and_callers_are_read() {
        use v1::consistency::Level;
        assert_eq!("local".parse(), Ok(Freshness(Level::Local(v1::Local {}))));
        assert_eq!("at-least=1311".parse(), Ok(Freshness(Level::AtLeast(1311))));
        for bad in ["", "fresh", "at-least", "at-least=x", "at-least=-1"] {
            assert!(bad.parse::<Freshness>().is_err(), "{bad}");
        }
        assert_eq!(caller("province:32").map(|c| c.who), Ok(Some(v1::caller::Who::Province("32".into()))));
        for bad in ["", "person", "person:", "king:1", "national:1"] {
            assert!(caller(bad).is_err(), "{bad}");
        }
    }
}
