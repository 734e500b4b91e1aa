//! A daughter in Suzhou, her father in Zhengzhou, and the hospital that he goes to.

use crate::one::One;
use client::{Caller, InstitutionKind, Insurance, Kinship, Receipt, Yuan};
use std::time::Duration;

pub const DAUGHTER: &str = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
pub const FATHER: &str = "6f9619ff-8b86-4011-b42d-00c04fc96400";
pub const SUZHOU: &str = "320500";
pub const ZHENGZHOU: &str = "410100";
pub const HOSPITAL: &str = "H41010000001";

pub fn yuan(text: &str) -> Yuan {
    text.parse().expect("an amount")
}

/// Two areas that are open, the hospital, the daughter with this much in her account, and her father, retired.
pub async fn furnish(one: &One, account: Yuan) {
    let national = one.national();
    for area in [SUZHOU, ZHENGZHOU] {
        one.done(national.register_area(area)).await;
        one.done(national.set_area_open(area, one.now() + Duration::from_secs(1))).await;
    }
    one.later(Duration::from_secs(2));
    let henan = one.acting_as(Caller::province("41"));
    one.done(henan.register_institution(HOSPITAL, InstitutionKind::Hospital, ZHENGZHOU, true)).await;
    let (suzhou, zhengzhou) =
        (one.acting_as(Caller::agency(SUZHOU)), one.acting_as(Caller::agency(ZHENGZHOU)));
    one.done(suzhou.enrol_person(DAUGHTER, Insurance::Employee, SUZHOU)).await;
    one.done(zhengzhou.enrol_person(FATHER, Insurance::Resident, ZHENGZHOU).retired()).await;
    let month = one.clock.now().month();
    let month = format!("{:04}-{:02}", month.year, month.month);
    one.done(suzhou.credit_account(DAUGHTER, account, month)).await;
    for person in [DAUGHTER, FATHER] {
        one.done(one.acting_as(Caller::person(person)).activate_wallet(person)).await;
    }
}

/// The daughter asks to give to her father. Gives the relation, which waits for him.
pub async fn propose(one: &One) -> String {
    let hers = one.acting_as(Caller::person(DAUGHTER));
    let proposed: Receipt = one.done(hers.propose_relation(DAUGHTER, FATHER, Kinship::Parent)).await;
    proposed.relation().expect("a proposal names its relation").to_owned()
}
