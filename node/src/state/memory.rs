//! What the state holds in memory over its checkpoint, and how it is read.
//!
//! A read looks into the changes since the last freeze, the frozen changes that a checkpoint is writing, the changes that the
//! last one wrote (they are on disk too, and most likely read again), the rows read lately, and then the store.
//! Every row is kept with its hash, so that changing it takes its old hash out of the digest without encoding it again.

use crate::fault::Fault;
use crate::state::Applied;
pub(crate) use crate::state::key_hash::KeyHash;
use crate::state::store::Store;
use crate::state::trouble::Poison;
use ledger::digest::RowHash;
use ledger::{Key, Row, Table, View};
use parking_lot::{Mutex, RwLockReadGuard};
use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::ops::Bound;
use std::sync::Arc;

/// A row as it stands, none if there is no such record, and its hash.
#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) row: Option<Arc<Row>>,
    pub(crate) hash: RowHash,
}

impl Slot {
    /// No such record: a hash of zeros takes nothing out of the digest.
    pub(crate) fn none() -> Slot {
        Slot { row: None, hash: RowHash::default() }
    }
}

pub(crate) type Rows = HashMap<Key, Slot, KeyHash>;

/// Changes of a stretch of the log: the last slot of each key.
///
/// Points are found by hash. The order of keys is made only when a range is read: most tables are only ever asked for
/// points, and a sorted insert costs more than deciding a payment.
pub(crate) struct Layer {
    pub(crate) rows: Rows,
    orders: [Mutex<Order>; Table::COUNT],
    bytes: usize,
}

#[derive(Default)]
struct Order {
    sorted: BTreeSet<Key>,
    fresh: Vec<Key>,
}

impl Layer {
    pub(crate) fn with_hash(hash: KeyHash) -> Layer {
        let orders = std::array::from_fn(|_| Mutex::new(Order::default()));
        Layer { rows: HashMap::with_hasher(hash), orders, bytes: 0 }
    }

    /// Puts a slot in, and gives the hash of the one that was there. `bytes` is about what it will take on disk.
    pub(crate) fn put(&mut self, key: Key, slot: Slot, bytes: usize) -> Option<RowHash> {
        self.bytes += bytes;
        let old = self.rows.insert(key, slot);
        if old.is_none() {
            self.orders[place(key.table())].get_mut().fresh.push(key);
        }
        old.map(|old| old.hash)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Everything in the order of keys.
    pub(crate) fn sorted(&self) -> Vec<(&Key, &Slot)> {
        let mut all: Vec<(&Key, &Slot)> = self.rows.iter().collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all
    }

    /// The first keys of a table, at most `most`, from the bound to before `until`.
    fn keys(&self, table: Table, from: Bound<Key>, until: &Key, most: usize) -> Vec<Key> {
        let mut order = self.orders[place(table)].lock();
        if !order.fresh.is_empty() {
            let mut fresh = std::mem::take(&mut order.fresh);
            fresh.sort_unstable();
            if order.sorted.is_empty() {
                order.sorted = fresh.into_iter().collect();
            } else {
                order.sorted.extend(fresh);
            }
        }
        order.sorted.range((from, Bound::Excluded(*until))).take(most).copied().collect()
    }
}

fn place(table: Table) -> usize {
    // Numbers are dense and start at 1; the assertion below keeps it so.
    usize::from(table.number()) - 1
}

const _: () = {
    let mut i = 0;
    while i < Table::COUNT {
        assert!(Table::ALL[i].number() as usize == i + 1, "place() needs dense table numbers");
        i += 1;
    }
};

/// Rows read from the store lately. Two generations: when the young one is full it becomes the old one, and the old one goes.
/// Absent records are remembered too.
pub(crate) struct Cache {
    shards: Vec<Mutex<Shard>>,
    most: usize,
    hash: KeyHash,
}

struct Shard {
    young: Rows,
    old: Rows,
}

const SHARDS: usize = 8;

impl Cache {
    pub(crate) fn new(most: usize, hash: KeyHash) -> Cache {
        let shard =
            || Mutex::new(Shard { young: HashMap::with_hasher(hash), old: HashMap::with_hasher(hash) });
        Cache { shards: (0..SHARDS).map(|_| shard()).collect(), most: (most / SHARDS / 2).max(8), hash }
    }

    fn shard(&self, key: &Key) -> &Mutex<Shard> {
        // The map itself uses the low and the highest bits.
        &self.shards[(self.hash.hash_one(key) >> 40) as usize % SHARDS]
    }

    fn get(&self, key: &Key) -> Option<Slot> {
        let mut shard = self.shard(key).lock();
        if let Some(slot) = shard.young.get(key) {
            return Some(slot.clone());
        }
        let slot = shard.old.remove(key)?;
        self.keep(&mut shard, *key, slot.clone());
        Some(slot)
    }

    fn put(&self, key: Key, slot: Slot) {
        let mut shard = self.shard(&key).lock();
        self.keep(&mut shard, key, slot);
    }

    fn keep(&self, shard: &mut Shard, key: Key, slot: Slot) {
        if shard.young.len() >= self.most {
            shard.old = std::mem::replace(&mut shard.young, HashMap::with_hasher(self.hash));
        }
        shard.young.insert(key, slot);
    }

    /// Forgets every row of a layer, because the store is about to hold others.
    pub(crate) fn forget(&self, layer: &Layer) {
        for key in layer.rows.keys() {
            let mut shard = self.shard(key).lock();
            shard.young.remove(key);
            shard.old.remove(key);
        }
    }

    /// Takes over the rows of a layer that leaves memory, but those of a newer one, and payments and remembered requests: most of
    /// them are never asked for again, and they would push out persons and relations, which are.
    pub(crate) fn keep_from(&self, layer: &Layer, newer: &Layer) {
        for (key, slot) in &layer.rows {
            let lasting = !matches!(key.table(), Table::Payment | Table::Request);
            if lasting && !newer.rows.contains_key(key) {
                self.put(*key, slot.clone());
            }
        }
    }

    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.young = HashMap::with_hasher(self.hash);
            shard.old = HashMap::with_hasher(self.hash);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock()).map(|shard| shard.young.len() + shard.old.len()).sum()
    }
}

/// The state as applied.
pub(crate) struct Memory {
    pub(crate) changes: Layer,
    pub(crate) frozen: Option<Arc<Layer>>,
    pub(crate) written: Option<Arc<Layer>>,
    pub(crate) store: Arc<Store>,
    /// The log position that the store holds.
    pub(crate) stored: Option<u64>,
    pub(crate) applied: Applied,
    /// Set by a fault of the store while somebody reads.
    pub(crate) poison: Arc<Poison>,
}

impl Memory {
    /// The slot of this key, from wherever it is.
    pub(crate) fn slot(&self, cache: &Cache, key: &Key) -> Result<Slot, Fault> {
        match self.changes.rows.get(key) {
            Some(slot) => Ok(slot.clone()),
            None => self.slot_below(cache, key),
        }
    }

    /// The hash of this key's row as it was before the changes.
    pub(crate) fn hash_below(&self, cache: &Cache, key: &Key) -> Result<RowHash, Fault> {
        self.slot_below(cache, key).map(|slot| slot.hash)
    }

    /// The slot of this key below the changes.
    fn slot_below(&self, cache: &Cache, key: &Key) -> Result<Slot, Fault> {
        let layers = [self.frozen.as_deref(), self.written.as_deref()];
        if let Some(slot) = layers.into_iter().flatten().find_map(|layer| layer.rows.get(key)) {
            return Ok(slot.clone());
        }
        if self.store.beyond(key) {
            return Ok(Slot::none());
        }
        if let Some(slot) = cache.get(key) {
            return Ok(slot);
        }
        let stored = self.poison.attempt("read state", self.store.dir(), || self.store.row(key))?;
        let slot = match stored {
            Some((row, hash)) => Slot { row: Some(Arc::new(row)), hash },
            None => Slot::none(),
        };
        cache.put(*key, slot.clone());
        Ok(slot)
    }
}

/// A consistent view of the state at the applied index.
///
/// While it lives nothing is absorbed, so it is for one decision or one query, not for a long scan; never take a second one
/// in the same thread while holding the first. A fault while reading ends the state, see [`State::troubled`](crate::state::State::troubled).
pub struct Reader<'a> {
    memory: RwLockReadGuard<'a, Memory>,
    cache: &'a Cache,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(memory: RwLockReadGuard<'a, Memory>, cache: &'a Cache) -> Reader<'a> {
        Reader { memory, cache }
    }

    /// What this view shows.
    pub fn applied(&self) -> &Applied {
        &self.memory.applied
    }
}

impl View for Reader<'_> {
    type Fault = Fault;

    fn get(&self, key: &Key) -> Result<Option<Arc<Row>>, Fault> {
        self.memory.poison.check()?;
        self.memory.slot(self.cache, key).map(|slot| slot.row)
    }

    fn range(&self, from: &Key, until: &Key, most: usize) -> Result<Vec<(Key, Arc<Row>)>, Fault> {
        self.memory.poison.check()?;
        let mut found = Vec::new();
        if from >= until {
            return Ok(found);
        }
        // Table by table, so that only the order of those that are asked for is made.
        for table in Table::ALL.iter().filter(|t| (from.table()..=until.table()).contains(*t)) {
            let next = Table::ALL.iter().find(|next| *next > table).map_or(*until, |next| next.first());
            self.memory.range(*table, from.max(&table.first()), until.min(&next), most, &mut found)?;
        }
        Ok(found)
    }
}

/// Rows are fetched from each source in helpings of this many more than are still wanted, so that a few removed ones do not cost
/// another round.
const HELPING: usize = 16;

impl Memory {
    /// Appends the table's rows in the range until `found` holds `most`.
    ///
    /// In rounds: each source gives its next keys; all keys up to the lowest last one among the sources that have more are
    /// complete and are taken, the newest source that knows a key deciding about it.
    fn range(
        &self,
        table: Table,
        from: &Key,
        until: &Key,
        most: usize,
        found: &mut Vec<(Key, Arc<Row>)>,
    ) -> Result<(), Fault> {
        let layers: Vec<&Layer> =
            [Some(&self.changes), self.frozen.as_deref()].into_iter().flatten().collect();
        let mut from = Bound::Included(*from);
        while found.len() < most && !empty(&from, until) {
            let helping = (most - found.len()).saturating_add(HELPING).min(512);
            let mut complete: Option<Key> = None;
            let mut horizon = |count: usize, last: Option<Key>| {
                if count == helping {
                    complete = match (complete, last) {
                        (Some(old), Some(new)) => Some(old.min(new)),
                        (old, new) => old.or(new),
                    };
                }
            };
            let mut keys: BTreeSet<Key> = BTreeSet::new();
            for layer in &layers {
                let some = layer.keys(table, from, until, helping);
                horizon(some.len(), some.last().copied());
                keys.extend(some);
            }
            let read = || self.store.range(from, until, helping);
            let stored = self.poison.attempt("read state", self.store.dir(), read)?;
            horizon(stored.len(), stored.last().map(|(key, _)| *key));
            let mut stored = stored.into_iter().peekable();
            keys.extend(stored.clone().map(|(key, _)| key));
            for key in keys {
                if complete.is_some_and(|last| key > last) || found.len() >= most {
                    break;
                }
                let below = stored.next_if(|(stored, _)| *stored == key).map(|(_, row)| row);
                let above = layers.iter().find_map(|layer| layer.rows.get(&key));
                let row = match above {
                    Some(slot) => slot.row.clone(),
                    None => below.map(Arc::new),
                };
                if let Some(row) = row {
                    found.push((key, row));
                }
            }
            match complete {
                Some(last) => from = Bound::Excluded(last),
                None => break,
            }
        }
        Ok(())
    }
}

fn empty(from: &Bound<Key>, until: &Key) -> bool {
    match from {
        Bound::Included(from) | Bound::Excluded(from) => from >= until,
        Bound::Unbounded => false,
    }
}
