//! Mutated lists of an institution's rows.

use super::theirs::Theirs;
use fuzz::{Format, Read};

#[test]
fn fuzz_theirs() {
    let list = "setl_id,psn_part_amt,acct_pay,acct_mulaid_pay,psn_cash_pay\n\
                24-0,1000.00,0.00,1000.00,0.00\n27-0,\"1,045.10\",45.10,0.00,0.00\n";
    let words: &[&[u8]] = &[b"\"", b",", b"\n", b"-", b"24-0", b"9999999999999999999999999999999999999.99"];
    let test = "-p node --bin gongji fuzz_theirs";
    let format =
        Format { name: "theirs", test, samples: vec![list.into()], words, seal: None, inputs: 10_000 };
    fuzz::run(&format, |bytes| match Theirs::from_reader(bytes) {
        Ok(theirs) => {
            drop(theirs.compare(5));
            Read::Same(bytes.to_vec())
        }
        Err(why) => Read::Refused(why),
    });
}
