//! The words of a plan: a step is one request, with its moment, its identity, and how it must end.

use client::v1::caller::Who;
use client::v1::transaction::Call;
use client::v1::{self, Reason};
use ledger::{Day, Stamp};

/// The moments of a day at which requests are sent. Between them the clock jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hour {
    /// 08:00: agencies work, people propose.
    Morning,
    /// 09:00: months are closed, confirmed and paid.
    Books,
    /// 10:00: people accept; some payments are authorised.
    Forenoon,
    /// 10:20: those are confirmed or voided.
    Noon,
    /// 15:00: offers are accepted, refunds made, premiums paid.
    Afternoon,
    /// 23:00: the closed hours of the pilot.
    Night,
}

impl Hour {
    /// All, in order.
    pub const ALL: [Hour; 6] =
        [Hour::Morning, Hour::Books, Hour::Forenoon, Hour::Noon, Hour::Afternoon, Hour::Night];

    /// Its moment on a day.
    pub fn of(self, day: Day) -> Stamp {
        let minute = match self {
            Hour::Morning => 8 * 60,
            Hour::Books => 9 * 60,
            Hour::Forenoon => 10 * 60,
            Hour::Noon => 10 * 60 + 20,
            Hour::Afternoon => 15 * 60,
            Hour::Night => 23 * 60,
        };
        day.start().plus_ms(minute * ledger::stamp::MINUTE_MS)
    }
}

/// How a request must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It is done.
    Done,
    /// It is refused, for this reason.
    Refused(Reason),
    /// It is done, or refused for this reason: what decides is not in the plan.
    Maybe(Reason),
    /// It is the same request as that step's, and gets the same answer.
    Again(u32),
}

/// One request.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its number in the plan, from 0: others name by it what it begins.
    pub number: u32,
    /// The identity: a UUIDv7.
    pub request: String,
    /// Who asks.
    pub who: Who,
    /// What is asked. Ids of what other steps began are written `@number`.
    pub call: Call,
    /// Refused after this moment.
    pub not_after: Option<Stamp>,
    /// How it must end.
    pub expect: Expect,
}

/// How a step writes the id of what another one began.
pub fn named(step: u32) -> String {
    format!("@{step}")
}

/// A request id of a moment: it follows from its arguments alone.
pub fn request_id(at: Stamp, random: [u8; 10]) -> String {
    uuid::Builder::from_unix_timestamp_millis(at.0, &random).into_uuid().to_string()
}

/// A moment for the wire.
pub fn moment(at: Stamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: (at.0 / 1_000) as i64, nanos: (at.0 % 1_000) as i32 * 1_000_000 }
}

impl Step {
    /// What other steps this one builds on.
    pub fn builds_on(&self) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        each_id(&mut self.call.clone(), |id| found.extend(number(id)));
        if let Expect::Again(step) = self.expect {
            found.push(step);
        }
        found
    }

    /// The transaction, once all that it builds on has begun. `id_of` tells the ids; none for what did not begin.
    pub fn transaction(&self, id_of: impl Fn(u32) -> Option<String>) -> Option<v1::Transaction> {
        let mut call = self.call.clone();
        let mut missing = false;
        each_id(&mut call, |id| {
            if let Some(step) = number(id) {
                match id_of(step) {
                    Some(found) => *id = found,
                    None => missing = true,
                }
            }
        });
        (!missing).then(|| v1::Transaction {
            request_id: self.request.clone(),
            caller: Some(v1::Caller { who: Some(self.who.clone()) }),
            not_after: self.not_after.map(moment),
            signature: bytes::Bytes::new(),
            call: Some(call),
        })
    }
}

fn number(id: &str) -> Option<u32> {
    id.strip_prefix('@')?.parse().ok()
}

/// Shows each id in a call that names what another step began.
fn each_id(call: &mut Call, mut show: impl FnMut(&mut String)) {
    match call {
        Call::AcceptRelation(v1::AcceptRelation { relation })
        | Call::DeclineRelation(v1::DeclineRelation { relation })
        | Call::ReleaseRelation(v1::ReleaseRelation { relation })
        | Call::SetQuota(v1::SetQuota { relation, .. })
        | Call::ReduceQuota(v1::ReduceQuota { relation, .. }) => show(relation),
        Call::SetPriority(v1::SetPriority { order, .. }) => order.iter_mut().for_each(show),
        Call::AcceptOffer(v1::AcceptOffer { offer }) | Call::DeclineOffer(v1::DeclineOffer { offer }) => {
            show(offer);
        }
        Call::ConfirmSpend(v1::ConfirmSpend { hold, .. }) | Call::VoidSpend(v1::VoidSpend { hold }) => {
            show(hold);
        }
        Call::Refund(v1::Refund { payment, .. }) => show(payment),
        Call::AcceptTransfer(v1::AcceptTransfer { case })
        | Call::SendTransfer(v1::SendTransfer { case })
        | Call::ReceiveTransfer(v1::ReceiveTransfer { case })
        | Call::CompleteTransfer(v1::CompleteTransfer { case })
        | Call::AbandonTransfer(v1::AbandonTransfer { case })
        | Call::FailTransfer(v1::FailTransfer { case }) => show(case),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_sent_once_what_it_builds_on_has_begun() {
        let step = Step {
            number: 8,
            request: request_id(Stamp(1_767_225_600_000), [7; 10]),
            who: Who::Person("p".into()),
            call: Call::SetPriority(v1::SetPriority {
                beneficiary: "p".into(),
                order: vec![named(3), named(5)],
            }),
            not_after: None,
            expect: Expect::Done,
        };
        assert_eq!(step.builds_on(), [3, 5]);
        assert!(step.transaction(|step| (step == 3).then(|| "7-1".to_owned())).is_none());
        let found = step.transaction(|step| Some(format!("7-{step}"))).expect("all is known");
        let Some(Call::SetPriority(call)) = found.call else { panic!("another call") };
        assert_eq!(call.order, ["7-3", "7-5"]);
        assert!(found.request_id.parse::<client::RequestId>().is_ok());
    }
}
