//! The names that samples are made of.

use ledger::command::{Credential, CredentialKind, Spend};
use ledger::{
    Area, CaseId, Fen, FileNumber, HoldId, Institution, MedType, OfferId, PaymentId, Person, Position,
    Province, RefundId, RelationId, RequestId, Stamp, Sum,
};

pub const AT: Stamp = Stamp(1_772_323_200_000);
pub const DONOR: Person = Person([0xd0; 16]);
pub const USER: Person = Person([0xb0; 16]);
pub const RELATION: RelationId = RelationId(Position { index: 258, place: 3 });
pub const PAYMENT: PaymentId = PaymentId(Position { index: 259, place: 0 });
pub const OFFER: OfferId = OfferId(Position { index: 260, place: 1 });
pub const HOLD: HoldId = HoldId(Position { index: 261, place: 2 });
pub const REFUND: RefundId = RefundId(Position { index: 262, place: 4 });
pub const CASE: CaseId = CaseId(Position { index: 263, place: 5 });
pub const REQUEST: RequestId = RequestId([1, 2, 3, 4, 5, 6, 0x77, 8, 9, 10, 11, 12, 13, 14, 15, 16]);

pub fn fen(amount: u64) -> Fen {
    Fen::new(amount).expect("an amount")
}

pub fn sum(amount: u64) -> Sum {
    Sum::new(u128::from(amount))
}

pub fn area(code: u32) -> Area {
    Area::new(code).expect("an area")
}

pub fn province(code: u8) -> Province {
    Province::new(code).expect("a province")
}

pub fn shop() -> Institution {
    Institution::new("H41010000001").expect("an institution")
}

pub fn file() -> FileNumber {
    FileNumber::new("A-1").expect("a number")
}

pub fn spend() -> Spend {
    Spend {
        beneficiary: USER,
        credential: Credential { kind: CredentialKind::IdentityCard, holder: USER },
        institution: shop(),
        med_type: MedType::OUTPATIENT,
        amount: fen(12_000),
        use_own_account: true,
        all_or_nothing: false,
    }
}
