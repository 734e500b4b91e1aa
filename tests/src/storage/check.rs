//! Opens what a crash left, and holds it to what was promised.

use crate::storage::life::{self, NODE, Opened, absorb, log_settings, now, state_settings};
use crate::storage::script::Script;
use crate::storage::tracer::{Calm, Promised, VoteSaved};
use node::data_dir::DataDir;
use node::fault::Fault;
use node::host;
use node::raft::log::LogStore;
use node::state::{State, StateSettings};
use openraft::storage::RaftLogStorage;
use openraft::{EntryPayload, RaftLogReader};
use std::path::Path;
use std::sync::Arc;

/// What was found in a storage that holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What opening said that it repaired.
    pub notes: Vec<String>,
    /// The log's last index.
    pub last: u64,
    /// Where the state stood.
    pub applied: u64,
}

/// A storage that does not hold.
#[derive(Clone, Debug)]
pub enum Broken {
    /// It says so itself: it does not open, or what it is asked for ends with a fault.
    Told {
        /// Where it says the damage is: a file or folder, or what it says that it repaired before.
        place: String,
        /// All that it says.
        said: String,
    },
    /// It serves something else than what was promised.
    Silent(String),
}

impl Broken {
    fn fault(fault: &Fault) -> Broken {
        match fault {
            Fault::Corrupt { place, .. } => Broken::Told { place: place.clone(), said: fault.to_string() },
            Fault::WrongDirectory { path, .. } => {
                Broken::Told { place: path.display().to_string(), said: fault.to_string() }
            }
            _ => Broken::Silent(format!("damage is called something else: {fault}")),
        }
    }
}

/// What a state that was repaired cannot give any more: the place is what it says that it repaired.
fn repaired(state: &State, said: String) -> Broken {
    Broken::Told { place: state.recovery_notes().join("; "), said }
}

fn silent<T>(what: String) -> Result<T, Broken> {
    Err(Broken::Silent(what))
}

/// Opens a storage as a node does.
///
/// # Errors
/// What it says.
pub fn open(path: &Path) -> Result<Opened, Fault> {
    let dir = DataDir::create_or_open(path, None, NODE)?;
    let state = State::open(path, StateSettings { cluster: dir.cluster(), ..state_settings() })?;
    let log = LogStore::open(&path.join("log"), NODE, log_settings())?;
    Ok(Opened { dir, state, log })
}

/// Holds a storage to a promise. `whole`: nothing of the state was damaged, so that it stands at its checkpoint.
///
/// # Errors
/// What it serves instead, or says.
pub fn check(script: &Script, path: &Path, promised: &Promised, whole: bool) -> Result<Found, Broken> {
    let _host = host::enter(Arc::new(Calm::default()));
    let Opened { dir: _dir, state, mut log } = open(path).map_err(|fault| Broken::fault(&fault))?;
    let found = check_log(script, path, promised, &mut log)?;
    let applied = state.applied();
    let index = applied.index();
    // What a node looks at before it starts.
    if index > 0 && !log.has_voted() {
        let place = path.join("log").display().to_string();
        return Err(Broken::Told { place, said: "the state is ahead of a log without a vote".into() });
    }
    if index < log.purged() {
        let what = format!("the log begins behind {}, the state is at {index}", log.purged());
        return if whole { silent(what) } else { Err(repaired(&state, what)) };
    }
    if index > promised.applied {
        return silent(format!("the state is at {index}, nothing was applied behind {}", promised.applied));
    }
    if whole && index < promised.checkpoint {
        return silent(format!("the state is at {index}, a checkpoint ended at {}", promised.checkpoint));
    }
    if applied.digest.root() != script.step(index).root {
        return silent(format!("the state's digest at {index} is not the replay's"));
    }
    for next in index + 1..=found {
        absorb(script, &state, next).map_err(|fault| Broken::fault(&fault))?;
    }
    let end = state.applied();
    if end.digest.root() != script.step(end.index()).root {
        return silent(format!("the digest at {} is not the replay's", end.index()));
    }
    match state.check() {
        Ok(check) if check.holds() => {}
        Ok(_) => return silent("the records do not have the digest that is kept".into()),
        Err(fault) => return Err(Broken::fault(&fault)),
    }
    check_journal(script, promised, &state, end.index())?;
    Ok(Found { notes: state.recovery_notes(), last: found, applied: index })
}

/// The vote and the entries. Gives the last index whose entry is the script's.
fn check_log(script: &Script, path: &Path, promised: &Promised, log: &mut LogStore) -> Result<u64, Broken> {
    let vote = now(log.read_vote()).expect("it is in memory");
    let vote: Option<VoteSaved> =
        vote.map(|vote| (vote.leader_id.term, vote.leader_id.node_id, vote.committed));
    if vote != promised.vote && (vote.is_none() || vote != promised.vote_coming) {
        return silent(format!("the vote is {vote:?}, promised was {:?}", promised.vote));
    }
    let state = now(log.get_log_state()).expect("it is in memory");
    let purged = state.last_purged_log_id.map_or(0, |id| id.index);
    let last = state.last_log_id.map_or(0, |id| id.index);
    if purged > promised.purged {
        return silent(format!("purged up to {purged}, asked was {}", promised.purged));
    }
    if last < promised.synced {
        return silent(format!("the log ends at {last}, synced was {}", promised.synced));
    }
    let entries = match now(log.try_get_log_entries(purged + 1..=last)) {
        Ok(entries) => entries,
        Err(problem) => {
            let place = path.join("log").display().to_string();
            return Err(Broken::Told { place, said: problem.to_string() });
        }
    };
    if entries.len() as u64 != last - purged {
        return silent(format!("{} entries between {purged} and {last}", entries.len()));
    }
    for (index, entry) in (purged + 1..).zip(entries) {
        let ours = index <= promised.written
            && entry.log_id == life::log_id(life::term_of(index), index)
            && match (&entry.payload, &script.step(index).batch) {
                (EntryPayload::Normal(batch), Some(asked)) => batch == asked,
                (EntryPayload::Blank, None) => true,
                _ => false,
            };
        if !ours {
            let taken_away = promised.conflict.is_some_and(|from| index >= from);
            return match taken_away && matches!(entry.payload, EntryPayload::Blank) {
                true => Ok(index - 1),
                false => silent(format!("entry {index} is not what was appended")),
            };
        }
    }
    Ok(last)
}

fn check_journal(script: &Script, promised: &Promised, state: &State, end: u64) -> Result<(), Broken> {
    let mut next = 1;
    while next <= end {
        let page = state.journal_read(next, 20_000).map_err(|fault| Broken::fault(&fault))?;
        if let Some((from, to)) = page.missing
            && to > promised.installed
        {
            let said = state.recovery_notes().iter().any(|note| note.contains("journal"));
            let what = format!("journal entries {from} to {to} are missing");
            return if said { Err(repaired(state, what)) } else { silent(what) };
        }
        for record in &page.entries {
            let step = script.step(record.index);
            let same = step.batch.as_ref().is_some_and(|batch| *batch.bytes() == record.batch)
                && step.answers == record.answers;
            if !same {
                return silent(format!("the journal tells something else of entry {}", record.index));
            }
        }
        let told: Vec<u64> = page.entries.iter().map(|record| record.index).collect();
        let from = page.missing.map_or(next, |(_, to)| to + 1);
        let asked: Vec<u64> = (from..page.next).filter(|index| script.step(*index).batch.is_some()).collect();
        if told != asked {
            return silent(format!("the journal tells {told:?} between {from} and {}", page.next));
        }
        if page.next <= next {
            return silent(format!("reading the journal does not get on from {next}"));
        }
        next = page.next;
    }
    Ok(())
}
