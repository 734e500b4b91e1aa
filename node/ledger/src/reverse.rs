//! An earlier request is undone, whatever became of it (冲正, domain.md 5b, 5).

use crate::command::Caller;
use crate::entry::{Entry, Ruled};
use crate::id::RequestId;
use crate::view::View;

/// In place of the fingerprint of a request that was reversed before it arrived: its body is not known.
pub(crate) const ANY_BODY: [u8; 16] = [0; 16];

/// Undoes what the caller's earlier request did, or keeps it out should it still come.
pub(crate) fn reverse<V: View>(entry: &mut Entry<'_, V>, caller: &Caller, original: RequestId) -> Ruled<V> {
    todo!()
}
