//! What can be asked for.

use proto::v1;

/// What can be read.
#[derive(Debug, clap::Subcommand)]
pub enum What {
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
pub enum Side {
    /// Who gives (共济人)
    Donor,
    /// Who uses (被共济人)
    Beneficiary,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Premium {
    /// 390 居民医保
    Resident,
    /// 410 长期护理保险
    Care,
}

/// Reads `institution:H41010000001`.
pub fn caller(text: &str) -> Result<v1::Caller, String> {
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
