//! A personal share is paid (结算): own account, quotas in the beneficiary's order, then cash.

use crate::command::{InstitutionKind, Spend};
use crate::entry::{Entry, Ruled};
use crate::id::MedType;
use crate::table::Use;
use crate::view::View;

/// The beneficiary pays. Nothing coverable is done, all cash (domain.md 5b, 24).
pub(crate) fn settle<V: View>(entry: &mut Entry<'_, V>, spend: &Spend) -> Ruled<V> {
    todo!()
}

/// What money is used for at an institution of this kind, for a service of that kind: a kind that is none of the known
/// ones there is `Other` (domain.md 4, 44).
pub(crate) fn usage(kind: InstitutionKind, med_type: MedType) -> Use {
    match (kind, med_type.class()) {
        (InstitutionKind::Hospital, 11..=14 | 21..=28 | 51 | 52) => Use::Institution,
        (InstitutionKind::Pharmacy, 41) => Use::Pharmacy,
        (InstitutionKind::Hospital | InstitutionKind::Pharmacy, _) => Use::Other,
    }
}
