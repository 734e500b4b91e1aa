//! A daughter insured in Suzhou lets her father in Henan use a part of her account.

use super::say::Say;
use crate::bench::world::{area_of, hospital, month_of, pharmacy, sdk};
use crate::problem::{Exit, Problem};
use client::{Call, Caller, Client, Insurance, Kinship, NotDone, Outcome, Receipt, Verb, Yuan};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

const SUZHOU: &str = "320500";
const ZHENGZHOU: &str = "410100";

/// Amounts of the story, in fen.
const CREDIT: u64 = 5_000 * 100;
const QUOTA: u64 = 2_000 * 100;
const HOSPITAL: u64 = 650 * 100;
const PHARMACY: u64 = 180 * 100;
const REFUND: u64 = 150 * 100;
const LATER: u64 = 50 * 100;

/// The two people of the story, and who speaks for whom.
struct Family {
    client: Client,
    daughter: String,
    father: String,
    step: usize,
}

/// Tells the story and checks every balance on the way. Returns the daughter, for the sums at the end.
pub async fn tell(client: &Client, seed: u64, say: &mut Say) -> Result<String, Problem> {
    let mut rng = SmallRng::seed_from_u64(seed ^ 0xFA41);
    let mut person = || uuid::Builder::from_random_bytes(rng.random()).into_uuid().to_string();
    let mut family = Family { client: client.clone(), daughter: person(), father: person(), step: 0 };
    let relation = family.bind(say).await?;
    let (stay, medicine) = family.spend(say, &relation).await?;
    family.give_back(say, &relation, &stay).await?;
    family.end(say, &relation, &medicine).await?;
    family.owed(say).await?;
    Ok(family.daughter)
}

fn yuan(fen: u64) -> Yuan {
    Yuan::from_fen(fen).expect("amounts of the story are small")
}

/// Sends a call that is expected to be done.
async fn done<V: Verb>(call: Call<V>) -> Result<Receipt, Problem> {
    call.send().await.map_err(|error| sdk(&error))?.done().map_err(|no| match no {
        NotDone::Refused(refused) => {
            Problem::new(Exit::Refused, "a step of the story was refused").because(refused)
        }
        NotDone::Unknown(request) => {
            Problem::new(Exit::Unknown, format!("how request {request} ended is unknown"))
        }
    })
}

impl Family {
    fn hers(&self) -> Client {
        self.client.acting_as(Caller::person(&self.daughter))
    }

    fn his(&self) -> Client {
        self.client.acting_as(Caller::person(&self.father))
    }

    fn at(&self, institution: &str) -> Client {
        self.client.acting_as(Caller::institution(institution))
    }

    fn step(&mut self, say: &Say, text: impl AsRef<str>) {
        self.step += 1;
        say.line(format!("{:2}. {}", self.step, text.as_ref()));
    }

    /// They are insured, and she gives him a quota.
    async fn bind(&mut self, say: &mut Say) -> Result<String, Problem> {
        let (daughter, father) = (self.daughter.clone(), self.father.clone());
        let suzhou = self.client.acting_as(Caller::agency(SUZHOU));
        let henan = self.client.acting_as(Caller::agency(ZHENGZHOU));
        done(suzhou.enrol_person(&daughter, Insurance::Employee, SUZHOU)).await?;
        done(henan.enrol_person(&father, Insurance::Resident, ZHENGZHOU)).await?;
        self.step(say, "Enrolment (参保): the daughter as an employee in Suzhou (310), her father as a resident in Zhengzhou, Henan (390).");
        done(suzhou.credit_account(&daughter, yuan(CREDIT), month_of(node::clock::time_of_day()))).await?;
        self.step(
            say,
            format!("Suzhou credits {} to her personal account (个人账户). He has none.", yuan(CREDIT)),
        );
        self.balances(say, CREDIT, 0, None).await?;
        done(self.hers().activate_wallet(&daughter)).await?;
        done(self.his().activate_wallet(&father)).await?;
        self.step(say, "Both activate their wallet (医保钱包).");
        let proposed = done(self.hers().propose_relation(&daughter, &father, Kinship::Parent)).await?;
        let relation = proposed.relation().unwrap_or_default().to_owned();
        done(self.his().accept_relation(&relation)).await?;
        self.step(say, format!("She proposes a mutual-aid relation (共济关系) with her parent, he accepts: relation {relation}."));
        done(self.hers().set_quota(&relation, yuan(QUOTA))).await?;
        self.step(
            say,
            format!("She sets a quota (共济额度) of {}: frozen in her account, for him alone.", yuan(QUOTA)),
        );
        self.balances(say, CREDIT - QUOTA, QUOTA, Some((&relation, QUOTA, 0))).await?;
        Ok(relation)
    }

    /// He pays at a hospital and at a pharmacy. Returns both settlements.
    async fn spend(&mut self, say: &mut Say, relation: &str) -> Result<(String, String), Problem> {
        let place = hospital(ZHENGZHOU);
        let paid = done(self.at(&place).settle(&self.father, &place, yuan(HOSPITAL))).await?;
        let settled = paid.settled().cloned().unwrap_or_default();
        let stay = settled.payment.clone();
        self.step(
            say,
            format!("He pays {} at the hospital {place} (结算): {}.", yuan(HOSPITAL), parts(&settled)),
        );
        let mut left = QUOTA - HOSPITAL;
        self.balances(say, CREDIT - QUOTA, left, Some((relation, left, HOSPITAL))).await?;

        let place = pharmacy(ZHENGZHOU);
        let call = self.at(&place).settle(&self.father, &place, yuan(PHARMACY));
        let paid = done(call.clone()).await?;
        let again = done(call).await?;
        let settled = paid.settled().cloned().unwrap_or_default();
        let medicine = settled.payment.clone();
        self.step(say, format!("He pays {} at the pharmacy {place}: {}.", yuan(PHARMACY), parts(&settled)));
        self.step(say, "The pharmacy's line drops, so it sends the same request again (same request id).");
        let same = again.repeated && (again.index, again.place) == (paid.index, paid.place);
        say.check(
            "the answer is the first one, remembered; nothing is paid twice",
            same,
            format!("{again:?}"),
        );
        left -= PHARMACY;
        self.balances(say, CREDIT - QUOTA, left, Some((relation, left, HOSPITAL + PHARMACY))).await?;
        Ok((stay, medicine))
    }

    /// The hospital gives a part back.
    async fn give_back(&mut self, say: &mut Say, relation: &str, stay: &str) -> Result<(), Problem> {
        let refunded = done(self.at(&hospital(ZHENGZHOU)).refund(stay).only(yuan(REFUND))).await?;
        let to_quota =
            refunded.refunded().is_some_and(|refunded| refunded.legs.iter().all(|leg| leg.to_quota));
        self.step(say, format!("The hospital refunds {} (退费): a test was not done.", yuan(REFUND)));
        say.check("the relation lives, so it goes back to the quota", to_quota, format!("{refunded:?}"));
        let left = QUOTA - HOSPITAL - PHARMACY + REFUND;
        self.balances(say, CREDIT - QUOTA, left, Some((relation, left, QUOTA - left))).await
    }

    /// The relation ends; what comes back later goes to her account.
    async fn end(&mut self, say: &mut Say, relation: &str, medicine: &str) -> Result<(), Problem> {
        let left = QUOTA - HOSPITAL - PHARMACY + REFUND;
        done(self.hers().release_relation(relation)).await?;
        self.step(
            say,
            format!(
                "She releases the relation (解除): the {} that he did not use are hers again.",
                yuan(left)
            ),
        );
        let mut available = CREDIT - QUOTA + left;
        self.balances(say, available, 0, Some((relation, 0, QUOTA - left))).await?;

        let place = hospital(ZHENGZHOU);
        let asked = self.at(&place).settle(&self.father, &place, yuan(LATER)).all_or_nothing();
        let outcome = asked.send().await.map_err(|error| sdk(&error))?;
        self.step(say, format!("He tries to pay {} more, all or nothing.", yuan(LATER)));
        match &outcome {
            Outcome::Refused(refused) => {
                say.check(&format!("refused: {} ({})", refused.text().en, refused.zh()), true, "");
            }
            Outcome::Done(_) | Outcome::Unknown(_) => say.check("refused", false, format!("{outcome:?}")),
        }

        let place = pharmacy(ZHENGZHOU);
        let refunded = done(self.at(&place).refund(medicine)).await?;
        let to_account =
            refunded.refunded().is_some_and(|refunded| refunded.legs.iter().all(|leg| !leg.to_quota));
        self.step(say, format!("The pharmacy takes the medicine back: {}.", yuan(PHARMACY)));
        say.check(
            "the relation is over, so the money goes to her account",
            to_account,
            format!("{refunded:?}"),
        );
        available += PHARMACY;
        self.balances(say, available, 0, None).await
    }

    /// What is left to clear between the two areas.
    async fn owed(&mut self, say: &mut Say) -> Result<(), Problem> {
        let month = month_of(node::clock::time_of_day());
        let pages = self.client.obligations(&month).payer("32").payee("41");
        let rows = pages.all().await.map_err(|error| sdk(&error))?;
        let ours =
            rows.iter().filter(|row| row.payer == SUZHOU && row.payee == area_of(&hospital(ZHENGZHOU)));
        let owed: Vec<String> =
            ours.map(|row| format!("{} − {} = {}", row.charged, row.refunded, row.owed)).collect();
        let expected = [
            format!("{} − {} = {}", yuan(HOSPITAL), yuan(REFUND), yuan(HOSPITAL - REFUND)),
            format!("{} − {} = 0.00", yuan(PHARMACY), yuan(PHARMACY)),
        ];
        self.step(
            say,
            format!(
                "For {month} Suzhou owes Zhengzhou (清分): hospital {}; pharmacy {}.",
                expected[0], expected[1]
            ),
        );
        say.check("the obligations say the same", owed == expected, format!("{owed:?}"));
        Ok(())
    }

    /// Shows her account and his quota, and checks them. The relation with (unused, used).
    async fn balances(
        &self,
        say: &mut Say,
        available: u64,
        frozen: u64,
        quota: Option<(&str, u64, u64)>,
    ) -> Result<(), Problem> {
        let person = self.client.person(&self.daughter).await.map_err(|error| sdk(&error))?.value;
        let account = person.account.unwrap_or_default();
        let mut seen = format!("her account: available {}, frozen {}", account.available, account.reserved);
        let mut expected = format!("her account: available {}, frozen {}", yuan(available), yuan(frozen));
        if let Some((relation, unused, used)) = quota {
            let relation = self.client.relation(relation).await.map_err(|error| sdk(&error))?.value;
            seen += &format!(" · his quota: {} left, {} used", relation.unused, relation.used);
            expected += &format!(" · his quota: {} left, {} used", yuan(unused), yuan(used));
        }
        say.check(&expected, seen == expected, &seen);
        Ok(())
    }
}

/// Who pays how much of a settlement.
fn parts(settled: &client::v1::Settled) -> String {
    let legs: Vec<&str> = settled.legs.iter().map(|leg| leg.amount.as_str()).collect();
    format!("own account {}, her quota {}, cash {}", settled.own, legs.join(" + "), settled.cash)
}
