//! `gongji query`: reads the ledger.

use super::connect::{Reached, reach, refused};
use super::json::Shape;
use super::{Nodes, Output, show};
use crate::places;
use crate::problem::{Exit, Problem};
use anyhow::Result;
use proto::v1;
use proto::v1::ledger_client::LedgerClient;
use proto::v1::query_client::QueryClient;
use serde_json::{Value, json};
use std::str::FromStr;

/// Records of one page.
const PAGE_ROWS: u32 = 1_000;

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

impl Asker {
    /// The answer as JSON, and as text for people.
    async fn ask(mut self, what: What) -> Result<(Value, String), Problem> {
        let consistency = self.consistency;
        let told = |address: &str| {
            let address = address.to_owned();
            move |status: tonic::Status| refused(&status, &address, "query")
        };
        let told = told(&self.node.address);
        match what {
            What::Person { person } => {
                let reply = self
                    .client
                    .get_person(v1::GetPersonRequest { person, consistency })
                    .await
                    .map_err(told)?;
                Ok(single("GetPersonResponse", reply.get_ref(), "person"))
            }
            What::Balances { person } => {
                let reply = self
                    .client
                    .get_balances(v1::GetBalancesRequest { person, consistency })
                    .await
                    .map_err(told)?;
                Ok(single("GetBalancesResponse", reply.get_ref(), "balances"))
            }
            What::Relation { relation } => {
                let reply = self
                    .client
                    .get_relation(v1::GetRelationRequest { relation, consistency })
                    .await
                    .map_err(told)?;
                Ok(single("GetRelationResponse", reply.get_ref(), "relation"))
            }
            What::Payment { payment } => {
                let reply = self
                    .client
                    .get_payment(v1::GetPaymentRequest { payment, consistency })
                    .await
                    .map_err(told)?;
                Ok(single("GetPaymentResponse", reply.get_ref(), "payment"))
            }
            What::Relations { person, side } => self.relations(person, side).await,
            What::Obligations { month, payer, payee } => self.obligations(month, payer, payee).await,
            What::Receipt { request_id, caller } => {
                let mut ledger = LedgerClient::new(self.node.channel.clone());
                let request = v1::GetReceiptRequest { request_id, caller: Some(caller), consistency };
                let reply = ledger.get_receipt(request).await.map_err(told)?.into_inner();
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

    async fn relations(mut self, person: String, side: Side) -> Result<(Value, String), Problem> {
        let side = match side {
            Side::Donor => v1::Side::Donor,
            Side::Beneficiary => v1::Side::Beneficiary,
        };
        let mut request = v1::ListRelationsRequest {
            person,
            side: side.into(),
            page_size: PAGE_ROWS,
            page_token: String::new(),
            consistency: self.consistency,
        };
        let (mut found, mut header) = (Vec::new(), Value::Null);
        loop {
            let asked = self.client.list_relations(request.clone()).await;
            let reply = asked.map_err(|status| refused(&status, &self.node.address, "query"))?.into_inner();
            let page = Shape::of("ListRelationsResponse").write(&reply);
            header = if header.is_null() { page["header"].clone() } else { header };
            found.extend(page["relations"].as_array().cloned().unwrap_or_default());
            if reply.next_page_token.is_empty() {
                break;
            }
            request.page_token = reply.next_page_token;
        }
        let fields = ["relation", "donor", "beneficiary", "kinship", "state", "limit", "used", "unused"];
        let shown = listed(&found, &fields, &header);
        Ok((json!({"header": header, "relations": found}), shown))
    }

    async fn obligations(
        mut self,
        month: String,
        payer: Option<String>,
        payee: Option<String>,
    ) -> Result<(Value, String), Problem> {
        let mut request = v1::ListObligationsRequest {
            month,
            payer_province: payer.unwrap_or_default(),
            payee_province: payee.unwrap_or_default(),
            page_size: PAGE_ROWS,
            page_token: String::new(),
            consistency: self.consistency,
        };
        let (mut found, mut header) = (Vec::new(), Value::Null);
        loop {
            let asked = self.client.list_obligations(request.clone()).await;
            let reply = asked.map_err(|status| refused(&status, &self.node.address, "query"))?.into_inner();
            let page = Shape::of("ListObligationsResponse").write(&reply);
            header = if header.is_null() { page["header"].clone() } else { header };
            found.extend(page["obligations"].as_array().cloned().unwrap_or_default());
            if reply.next_page_token.is_empty() {
                break;
            }
            request.page_token = reply.next_page_token;
        }
        let fields = ["month", "payer", "payee", "usage", "charged", "refunded", "owed"];
        let shown = listed(&found, &fields, &header);
        Ok((json!({"header": header, "obligations": found}), shown))
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
