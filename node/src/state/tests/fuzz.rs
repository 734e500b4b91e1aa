//! Mutated bytes for everything that the state reads from disk. What lies in a file is written to one first.

use super::*;
use crate::state::{blocks, checkpoint, journal, page, recover, segment, snapshot};
use ::fuzz::{Format, INPUTS, Read};

fn format<'a>(name: &'static str, test: &'static str, samples: Vec<Vec<u8>>) -> Format<'a> {
    let words: &[&[u8]] = &[&[0xff; 4], &[1, 0, 0, 0], &[0x28, 0xb5, 0x2f, 0xfd]];
    Format { name, test, samples, words, seal: None, inputs: INPUTS }
}

/// A folder in memory, if there is such a place: thousands of files are written.
fn memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| folder())
}

fn read<T>(result: Result<T, Fault>, again: impl FnOnce(T) -> Read) -> Read {
    match result {
        Ok(value) => again(value),
        Err(Fault::Corrupt { what, .. } | Fault::WrongDirectory { what, .. }) => Read::Refused(what),
        Err(fault) => panic!("damage is called something else: {fault}"),
    }
}

/// A checksum over everything before it, at the end.
fn seal_end(bytes: &mut [u8]) {
    if let Some(body) = bytes.len().checked_sub(4) {
        let crc = crc32fast::hash(&bytes[..body]);
        bytes[body..].copy_from_slice(&crc.to_le_bytes());
    }
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
}

/// Makes every checksum and the hash of a container fit, as far as its lengths lead.
fn seal_container(bytes: &mut [u8]) {
    fn parts(bytes: &mut [u8]) -> Option<()> {
        let head = 16..16usize.checked_add(word(bytes, 8)?)?;
        let crc = crc32fast::hash(bytes.get(head.clone())?);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        let mut at = head.end;
        while *bytes.get(at)? == 1 {
            let body = at + 13..(at + 13).checked_add(word(bytes, at + 1)?)?;
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(bytes.get(at + 1..at + 9)?);
            hasher.update(bytes.get(body.clone())?);
            bytes[at + 9..at + 13].copy_from_slice(&hasher.finalize().to_le_bytes());
            at = body.end;
        }
        if bytes.get(at..at + 45)?[9..41] != [0; 32] {
            let hash = blake3::hash(&bytes[..at]);
            bytes[at + 9..at + 41].copy_from_slice(hash.as_bytes());
        }
        let crc = crc32fast::hash(&bytes[at..at + 41]);
        bytes[at + 41..at + 45].copy_from_slice(&crc.to_le_bytes());
        Some(())
    }
    // Where lengths lead nowhere, there is nothing more to make fit.
    let _ = parts(bytes);
}

/// Makes every checksum of a segment fit.
fn seal_segment(bytes: &mut [u8]) {
    fn parts(bytes: &mut [u8]) -> Option<()> {
        let crc = crc32fast::hash(bytes.get(..segment::HEAD - 4)?);
        bytes.get_mut(segment::HEAD - 4..segment::HEAD)?.copy_from_slice(&crc.to_le_bytes());
        let mut at = segment::HEAD;
        loop {
            let end = (at + 8).checked_add(word(bytes, at)?)?;
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(&bytes[at..at + 4]);
            hasher.update(bytes.get(at + 8..end)?);
            bytes[at + 4..at + 8].copy_from_slice(&hasher.finalize().to_le_bytes());
            at = end;
        }
    }
    let _ = parts(bytes);
}

/// The files of a small state at some step of its life, by the end of their names.
fn files_of_a_state() -> (Vec<Vec<u8>>, BTreeMap<&'static str, Vec<u8>>) {
    let log = TestLog::random(41, Shape { entries: 12, persons: 8, changes: 6 });
    let root = folder();
    let redo = Arc::new(Mutex::new(Vec::new()));
    let (kept, place) = (redo.clone(), root.path().join("sm").join("gen-1.redo"));
    let steps = Steps::new(move |step| {
        if step == "redo renamed" {
            *kept.lock() = std::fs::read(&place).expect("a redo file");
        }
    });
    let state = State::open(root.path(), StateSettings { steps, ..small() }).expect("open");
    let mut snapshots = Vec::new();
    for upto in [4, 12] {
        log.replay(&state, upto).expect("absorb");
        let written = state.build_snapshot().expect("snapshot");
        snapshots.push(std::fs::read(written.path).expect("a snapshot"));
    }
    let read =
        |path: &str| std::fs::read(root.path().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"));
    let mut found = BTreeMap::from([("redo", redo.lock().clone())]);
    found.insert("CURRENT", read("sm/CURRENT"));
    found.insert("MARK", read("journal/MARK"));
    let segments = files::list(&root.path().join("journal")).expect("a journal");
    let (name, _) = segments.iter().find(|(name, _)| name.ends_with(".seg")).expect("a segment");
    found.insert("segment", read(&format!("journal/{name}")));
    (snapshots, found)
}

fn sealed_is_itself(seal: &dyn Fn(&mut [u8]), sample: &[u8]) {
    let mut sealed = sample.to_vec();
    seal(&mut sealed);
    assert!(sealed == sample, "the seal is the format's");
}

#[test]
fn fuzz_pages() {
    let name = codec::encode_key(&Key::Person { person: person(1) });
    let record =
        |number: u64, bytes| (codec::encode_key(&Key::Person { person: person(number) }), vec![7; bytes]);
    let page = |bytes: usize| {
        let mut records: Vec<(Vec<u8>, Vec<u8>)> = (0..6).map(|number| record(number, bytes)).collect();
        records.sort();
        let lent: Vec<_> = records.iter().map(|(key, value)| (&key[1..], value.as_slice())).collect();
        page::encode(&name, &lent)
    };
    let seal = |bytes: &mut [u8]| {
        if bytes.len() >= 5 {
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(&bytes[..1]);
            hasher.update(&name);
            hasher.update(&bytes[5..]);
            bytes[1..5].copy_from_slice(&hasher.finalize().to_le_bytes());
        }
    };
    let samples = vec![page(3), page(40), page(2_000)];
    samples.iter().for_each(|sample| sealed_is_itself(&seal, sample));
    let format = Format { seal: Some(&seal), ..format("page", "-p node --lib fuzz_pages", samples) };
    ::fuzz::run(&format, |bytes| {
        let page = match page::Page::open(&name, bytes) {
            Ok(page) => page,
            Err(why) => return Read::Refused(why),
        };
        match page.collect() {
            Ok(records) => Read::Alike(page::encode(&name, &records)),
            Err(why) => Read::Refused(why),
        }
    });
}

#[test]
fn fuzz_snapshots_and_redo_files() {
    let (snapshots, files) = files_of_a_state();
    let dir = memory();
    let place = dir.path().join("file");
    let test = "-p node --lib fuzz_snapshots_and_redo_files";
    sealed_is_itself(&seal_container, &snapshots[1]);
    let format1 = Format { seal: Some(&seal_container), ..format("snapshot", test, snapshots) };
    ::fuzz::run(&format1, |bytes| {
        std::fs::write(&place, bytes).expect("written");
        read(snapshot::verify(&place, None), |_| Read::Alike(bytes.to_vec()))
    });
    sealed_is_itself(&seal_container, &files["redo"]);
    let format2 = Format { seal: Some(&seal_container), ..format("redo", test, vec![files["redo"].clone()]) };
    ::fuzz::run(&format2, |bytes| {
        std::fs::write(&place, bytes).expect("written");
        read(checkpoint::verify_redo(&place), |head| {
            let (_, mut reader) = checkpoint::open_redo(&place).expect("verified");
            let (mut writer_at, copy) = (0, dir.path().join("copy"));
            let mut writer =
                blocks::Writer::create(&copy, b"GJREDO01", &codec::encode(&head), false).expect("made");
            while let Some(block) = reader.block().expect("verified") {
                for (key, value) in block.changes() {
                    writer.record(key, value).expect("written");
                    writer_at += 1;
                }
            }
            let (records, _) = writer.finish().expect("finished");
            assert_eq!(records, writer_at);
            Read::Alike(std::fs::read(&copy).expect("read"))
        })
    });
}

#[test]
fn fuzz_marks() {
    let (_, files) = files_of_a_state();
    let dir = memory();
    let test = "-p node --lib fuzz_marks";
    let mark = Format { seal: Some(&seal_end), ..format("journal-mark", test, vec![files["MARK"].clone()]) };
    ::fuzz::run(&mark, |bytes| {
        std::fs::write(dir.path().join("MARK"), bytes).expect("written");
        read(segment::read_mark(dir.path()), |mark| {
            let mut bytes = codec::encode(&mark);
            bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
            Read::Same(bytes)
        })
    });
    std::fs::create_dir_all(dir.path().join("sm").join("gen-1")).expect("a generation");
    let current = format("current", test, vec![files["CURRENT"].clone()]);
    ::fuzz::run(&current, |bytes| {
        std::fs::write(dir.path().join("sm").join("CURRENT"), bytes).expect("written");
        match recover::current(dir.path()).expect("it can be read") {
            recover::Current::Generation(1) => Read::Same(files["CURRENT"].clone()),
            recover::Current::Generation(number) => panic!("generation {number} is not there"),
            recover::Current::Damaged(what) => Read::Refused(what.into()),
            recover::Current::None => panic!("it is there"),
        }
    });
}

/// What the store claims to hold: `checkpoint::claimed` reads it.
#[test]
fn fuzz_claims() {
    let log = TestLog::random(41, Shape { entries: 4, persons: 8, changes: 6 });
    let root = folder();
    let state = State::open(root.path(), small()).expect("open");
    log.replay(&state, 4).expect("absorb");
    let claims = [Applied::default(), state.applied()];
    let format = format("claim", "-p node --lib fuzz_claims", claims.iter().map(codec::encode).collect());
    ::fuzz::run(&format, |bytes| match codec::decode::<Applied>(bytes) {
        Ok(applied) => Read::Same(codec::encode(&applied)),
        Err(why) => Read::Refused(why.to_string()),
    });
}

#[test]
fn fuzz_journals() {
    let (_, files) = files_of_a_state();
    let test = "-p node --lib fuzz_journals";
    let dir = memory();
    let place = segment::segment_path(dir.path(), 1);
    let sample = files["segment"].clone();
    sealed_is_itself(&seal_segment, &sample);
    let segment = Format { seal: Some(&seal_segment), ..format("segment", test, vec![sample]) };
    ::fuzz::run(&segment, |bytes| {
        std::fs::write(&place, bytes).expect("written");
        let mut notes = Vec::new();
        read(segment::open_all(dir.path(), &mut notes), |opened| match notes.pop() {
            // Nothing of it is synced, so whatever is wrong is a torn end.
            Some(note) => Read::Refused(note.replace(&*dir.path().to_string_lossy(), "")),
            None => Read::Alike(match opened.segments.is_empty() {
                true => Vec::new(),
                false => std::fs::read(&place).expect("read"),
            }),
        })
    });
    let bodies: Vec<Vec<u8>> = [10usize, 5_000]
        .map(|length| {
            let raw = vec![7; length];
            let packed = zstd::bulk::compress(&raw, 1).expect("packed");
            let body = if packed.len() < raw.len() { packed } else { raw };
            [&(length as u32).to_le_bytes()[..], &body].concat()
        })
        .to_vec();
    ::fuzz::run(&format("journal-body", test, bodies), |bytes| {
        let Some((length, body)) = bytes.split_first_chunk::<4>() else {
            return Read::Refused("short".into());
        };
        let length = u32::from_le_bytes(*length) as usize;
        // What `Records::next` refuses before.
        if length > segment::RAW_MAX || body.len() > length {
            return Read::Refused("length".into());
        }
        match segment::unpacked(body.to_vec(), length) {
            Some(raw) => Read::Alike([&(raw.len() as u32).to_le_bytes()[..], &raw].concat()),
            None => Read::Refused("it does not decompress".into()),
        }
    });
    let answers = TestLog::random(41, Shape { entries: 3, persons: 3, changes: 3 }).entries[0].answers();
    let raw = vec![journal::pack(&[1, 2, 3], &answers), journal::pack(&[], &[])];
    ::fuzz::run(&format("journal-record", test, raw), |bytes| {
        let blob = journal::Blob { index: 1, stamp: 1, raw: bytes.to_vec() };
        read(journal::unpack(dir.path(), &blob), |record| {
            Read::Same(journal::pack(&record.batch, &record.answers))
        })
    });
}
