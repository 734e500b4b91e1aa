//! The hash of a pair is that of its bytes, whatever their number.

use ledger::codec::encode;
use ledger::digest::RowHash;

#[test]
fn a_pair_is_hashed_behind_the_length_of_its_key() {
    let bytes: Vec<u8> = (0..2_000u32).map(|n| n as u8).collect();
    for key in [0, 1, 11, 30, 255, 256] {
        for value in [0, 1, 64, 200, 240, 241, 242, 251, 252, 253, 300, 1_700] {
            let (key, value) = (&bytes[..key], &bytes[..value]);
            let mut hasher = blake3::Hasher::new();
            hasher.update(&(key.len() as u32).to_le_bytes()).update(key).update(value);
            let bytes = encode(&RowHash::of(key, value));
            assert_eq!(bytes[1..], hasher.finalize().as_bytes()[..], "{} and {}", key.len(), value.len());
        }
    }
}
