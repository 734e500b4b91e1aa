//! `gongji query`: reads the ledger.

mod lists;
mod statistics;

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

/// What can be read.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// A person's insurance, wallet and account
    Person {
        /// Who: a UUID
        person: String,
    },
    /// The sums that belong to a person: account, quotas given and received
    Balances {
        /// Who: a UUID
        person: String,
    },
    /// The relations of a person
    Relations {
        /// Whose: a UUID
        person: String,
        /// As who gives, or as who uses
        #[arg(long, value_enum, default_value = "donor")]
        side: Side,
    },
    /// One relation with its quota
    Relation {
        /// Which: INDEX-PLACE, such as 1311-0
        relation: String,
    },
    /// One settlement with what was paid and refunded
    Payment {
        /// Which: INDEX-PLACE, such as 1311-0
        payment: String,
    },
    /// What areas owe one another for a month
    Obligations {
        /// The month, such as 2026-10
        month: String,
        /// Only payers of this province
        #[arg(long, value_name = "PROVINCE")]
        payer: Option<String>,
        /// Only payees of this province
        #[arg(long, value_name = "PROVINCE")]
        payee: Option<String>,
    },
    /// A designated institution
    Institution {
        /// Which, by its code: H41010000001
        institution: String,
    },
    /// The parameters of the policy: in force, past and to come
    Policy,
    /// A province with its in-province kinship scope
    Province {
        /// Which: 32
        province: String,
    },
    /// A pooling area with its openings
    Area {
        /// Which: 320500
        area: String,
    },
    /// What an area asks for a premium of a year
    Tariff {
        /// The area: 320500
        area: String,
        /// Which premium
        #[arg(value_enum)]
        premium: Premium,
        /// For which year
        year: u16,
    },
    /// The holidays and extra working days of a year
    Calendar {
        /// The year
        year: u16,
    },
    /// An offer of a quota
    Offer {
        /// Which: INDEX-PLACE, such as 1311-0
        offer: String,
    },
    /// An authorised spending
    Hold {
        /// Which: INDEX-PLACE, such as 1311-0
        hold: String,
    },
    /// A refund, or the undoing of one: where each part went
    Refund {
        /// Which: INDEX-PLACE, such as 1311-0
        refund: String,
    },
    /// A case of portability (转移接续)
    Case {
        /// Which: INDEX-PLACE, such as 1311-0
        case: String,
    },
    /// A month that is closed or being closed (清分)
    Period {
        /// The month, such as 2026-10
        month: String,
    },
    /// The lines of a closed month: what is to be paid, confirmed and paid
    Clearing {
        /// The month, such as 2026-10
        month: String,
        /// Only payers of this province
        #[arg(long, value_name = "PROVINCE")]
        payer: Option<String>,
        /// Only payees of this province
        #[arg(long, value_name = "PROVINCE")]
        payee: Option<String>,
        /// Only lines that this province pays or is paid
        #[arg(long, value_name = "PROVINCE")]
        province: Option<String>,
    },
    /// What provinces owe and are owed for a month: as closed, or so far
    Positions {
        /// The month, such as 2026-10
        month: String,
    },
    /// A province's prepayment fund (预付金), and how much of it a month uses
    Fund {
        /// Which province's: 32
        province: String,
        /// The month whose use is shown; the running one unless given
        #[arg(long)]
        month: Option<String>,
    },
    /// The published report, from January until a month
    Statistics {
        /// The last month, such as 2026-10
        until: String,
    },
    /// What was paid and given back on a day, with its totals (对账)
    Reconcile {
        /// The day, such as 2026-10-03
        day: String,
        /// What was paid to this institution
        #[arg(long, value_name = "CODE", required_unless_present = "area", conflicts_with = "area")]
        institution: Option<String>,
        /// What was paid to this area's institutions, and premiums paid to it
        #[arg(long, value_name = "AREA")]
        area: Option<String>,
        /// Only the totals (对总账)
        #[arg(long)]
        totals: bool,
    },
    /// How a request ended
    Receipt {
        /// The request id: a UUIDv7
        request_id: String,
        /// Who had asked: national, province:32, agency:320500, institution:H41010000001, person:UUID
        #[arg(long, value_parser = caller)]
        caller: v1::Caller,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Side {
    /// Who gives (共济人)
    Donor,
    /// Who uses (被共济人)
    Beneficiary,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Premium {
    /// 390 居民医保
    Resident,
    /// 410 长期护理保险
    Care,
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

/// Reads `institution:H41010000001`.
fn caller(text: &str) -> Result<v1::Caller, String> {
    use v1::caller::Who;
    let (kind, id) = text.split_once(':').unwrap_or((text, ""));
    let who = match (kind, id) {
        ("national", "") => Who::National(v1::National {}),
        ("node", "") => Who::Node(v1::Node {}),
        ("province", id) if !id.is_empty() => Who::Province(id.into()),
        ("agency", id) if !id.is_empty() => Who::Agency(id.into()),
        ("institution", id) if !id.is_empty() => Who::Institution(id.into()),
        ("person", id) if !id.is_empty() => Who::Person(id.into()),
        _ => {
            return Err(
                "write national, province:32, agency:320500, institution:H41010000001, or person:UUID".into(),
            );
        }
    };
    Ok(v1::Caller { who: Some(who) })
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
