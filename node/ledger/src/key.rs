//! Parts of keys as ordered bytes: big-endian, so that the order of bytes is the order of values.

use crate::command::{Caller, Premium};
use crate::id::{
    Area, CaseId, HoldId, Institution, OfferId, PaymentId, Person, Position, Province, RefundId, RelationId,
    RequestId,
};
use crate::stamp::{Day, Month, Stamp};
use crate::table::{Scope, Use};
use alloc::vec::Vec;

/// A part of a key.
pub(crate) trait Part: Sized {
    /// The smallest value, or one below all that occur.
    const MIN: Self;
    /// The largest value, or one above all that occur.
    const MAX: Self;
    /// Appends the ordered bytes.
    fn write(&self, out: &mut Vec<u8>);
    /// Takes the part from the front; none if the bytes are not one.
    fn read(rest: &mut &[u8]) -> Option<Self>;
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

macro_rules! part {
    ($kind:ty [$min:expr, $max:expr], $this:ident => $bytes:expr, $array:ident : $n:literal => $back:expr) => {
        impl Part for $kind {
            const MIN: Self = $min;
            const MAX: Self = $max;
            fn write(&self, out: &mut Vec<u8>) {
                let $this = self;
                out.extend_from_slice(&$bytes);
            }
            fn read(rest: &mut &[u8]) -> Option<Self> {
                let $array = take::<$n>(rest)?;
                $back
            }
        }
    };
}

part!(Province [Province::MIN, Province::MAX], this => [this.code()], bytes: 1 => Province::new(bytes[0]));
part!(Area [Area::MIN, Area::MAX], this => this.code().to_be_bytes(), bytes: 4 => {
    Area::new(u32::from_be_bytes(bytes))
});
part!(Institution [Institution::MIN, Institution::MAX], this => *this.bytes(), bytes: 12 => {
    Institution::new(core::str::from_utf8(&bytes).ok()?)
});
part!(Person [Person([0; 16]), Person([0xff; 16])], this => this.0, bytes: 16 => Some(Person(bytes)));
part!(RequestId [RequestId([0; 16]), RequestId([0xff; 16])], this => this.0, bytes: 16 => {
    Some(RequestId(bytes))
});
part!(Stamp [Stamp(0), Stamp(u64::MAX)], this => this.0.to_be_bytes(), bytes: 8 => {
    Some(Stamp(u64::from_be_bytes(bytes)))
});
part!(Day [Day(0), Day(u32::MAX)], this => this.0.to_be_bytes(), bytes: 4 => {
    Some(Day(u32::from_be_bytes(bytes)))
});
part!(u16 [0, u16::MAX], this => this.to_be_bytes(), bytes: 2 => Some(u16::from_be_bytes(bytes)));
part!(Premium [Premium::Resident, Premium::Care], this => (*this as u16).to_be_bytes(), bytes: 2 => {
    match u16::from_be_bytes(bytes) {
        390 => Some(Premium::Resident),
        410 => Some(Premium::Care),
        _ => None,
    }
});
part!(Use [Use::Institution, Use::Other], this => [*this as u8], bytes: 1 => match bytes[0] {
    1 => Some(Use::Institution),
    2 => Some(Use::Pharmacy),
    3 => Some(Use::ResidentPremium),
    4 => Some(Use::CarePremium),
    5 => Some(Use::Other),
    _ => None,
});
part!(Scope [Scope::SameArea, Scope::CrossProvince], this => [*this as u8], bytes: 1 => match bytes[0] {
    1 => Some(Scope::SameArea),
    2 => Some(Scope::InProvince),
    3 => Some(Scope::CrossProvince),
    _ => None,
});

/// Names that are positions in the log.
macro_rules! position_part {
    ($($name:ident),*) => {
        $(impl Part for $name {
            const MIN: Self = $name(Position::MIN);
            const MAX: Self = $name(Position::MAX);
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
            fn read(rest: &mut &[u8]) -> Option<Self> {
                Position::read(rest).map($name)
            }
        })*
    };
}

position_part!(RelationId, PaymentId, OfferId, HoldId, RefundId, CaseId);

impl Part for Position {
    const MIN: Self = Position { index: 0, place: 0 };
    const MAX: Self = Position { index: u64::MAX, place: u16::MAX };
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.index.to_be_bytes());
        out.extend_from_slice(&self.place.to_be_bytes());
    }
    fn read(rest: &mut &[u8]) -> Option<Self> {
        let index = u64::from_be_bytes(take(rest)?);
        let place = u16::from_be_bytes(take(rest)?);
        Some(Position { index, place })
    }
}

impl Part for Month {
    const MIN: Self = Month { year: 0, month: 1 };
    const MAX: Self = Month { year: u16::MAX, month: 12 };
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.year.to_be_bytes());
        out.push(self.month);
    }
    fn read(rest: &mut &[u8]) -> Option<Self> {
        let year = u16::from_be_bytes(take(rest)?);
        let [month] = take(rest)?;
        Month::new(year, month)
    }
}

impl Part for Caller {
    const MIN: Self = Caller::National;
    const MAX: Self = Caller::Node;
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Caller::National => out.push(1),
            Caller::Province(province) => {
                out.push(2);
                province.write(out);
            }
            Caller::Agency(area) => {
                out.push(3);
                area.write(out);
            }
            Caller::Institution(institution) => {
                out.push(4);
                institution.write(out);
            }
            Caller::Person(person) => {
                out.push(5);
                person.write(out);
            }
            Caller::Auditor => out.push(6),
            Caller::Node => out.push(7),
        }
    }
    fn read(rest: &mut &[u8]) -> Option<Self> {
        let [kind] = take(rest)?;
        Some(match kind {
            1 => Caller::National,
            2 => Caller::Province(Part::read(rest)?),
            3 => Caller::Agency(Part::read(rest)?),
            4 => Caller::Institution(Part::read(rest)?),
            5 => Caller::Person(Part::read(rest)?),
            6 => Caller::Auditor,
            7 => Caller::Node,
            _ => return None,
        })
    }
}
