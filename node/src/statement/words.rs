//! The words of a statement, Chinese with English behind them. What is read back is read by its English.

use crate::{places, scheme};
use ledger::movements::Kind;
use ledger::table::Use;
use ledger::{Area, Province};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Every use, in the order of keys.
pub const USES: [Use; 5] = Use::ALL;

/// What money was used for.
pub fn usage(usage: Use) -> &'static str {
    match usage {
        Use::Institution => "医疗机构 institution",
        Use::Pharmacy => "零售药店 pharmacy",
        Use::ResidentPremium => "居民医保费 resident premium",
        Use::CarePremium => "长护险费 care premium",
        Use::Other => "其他 other",
    }
}

/// What made an area owe another.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Payment => "支付 payment",
        Kind::Refund => "退费 refund",
        Kind::Undoing => "撤销退费 undoing",
        Kind::Portability => "转移接续 portability",
    }
}

/// Where a line leads, seen from a province.
pub fn direction(payer: Area, payee: Area, province: Province) -> &'static str {
    match (payer.province() == province, payee.province() == province) {
        (true, true) => "省内 inside",
        (true, false) => "应付 payable",
        (false, _) => "应收 receivable",
    }
}

/// Yes or no.
pub fn yes(yes: bool) -> &'static str {
    if yes { "是 yes" } else { "否 no" }
}

/// The English of a text, in small letters: what follows the Chinese and a space. So it is found in whatever encoding a
/// spreadsheet saved the Chinese before it; in GBK the last byte of a character may look like a letter.
pub fn english(text: &[u8]) -> String {
    let chinese = text.iter().rposition(|byte| !byte.is_ascii());
    let rest = chinese.map_or(text, |last| {
        let space = text[last..].iter().position(|byte| *byte == b' ');
        space.map_or(&[][..], |space| &text[last + space..])
    });
    String::from_utf8_lossy(rest).trim().to_ascii_lowercase()
}

/// Finds what a text means by its English.
pub fn meant<T: Copy>(text: &[u8], all: &[T], word: impl Fn(T) -> &'static str) -> Option<T> {
    let text = english(text);
    all.iter().copied().find(|one| english(word(*one).as_bytes()) == text)
}

/// A province's Chinese name.
pub fn province(province: Province) -> &'static str {
    places::province(u64::from(province.code())).map_or("", |known| known.zh)
}

/// An area's name, if it is in the list of areas.
pub fn area(area: Area) -> &'static str {
    static NAMES: LazyLock<HashMap<u32, &'static str>> = LazyLock::new(|| {
        scheme::areas().filter_map(|(code, name)| Some((code.parse().ok()?, name))).collect()
    });
    NAMES.get(&area.code()).copied().unwrap_or("未列名 unlisted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_by_their_english_in_any_encoding() {
        for one in USES {
            assert_eq!(meant(usage(one).as_bytes(), &USES, usage), Some(one));
        }
        let kinds = [Kind::Payment, Kind::Refund, Kind::Undoing, Kind::Portability];
        for one in kinds {
            assert_eq!(meant(kind(one).as_bytes(), &kinds, kind), Some(one));
        }
        // 支付 in GBK, as a spreadsheet in China saves it.
        assert_eq!(meant(b"\xd6\xa7\xb8\xb6 Payment", &kinds, kind), Some(Kind::Payment));
        assert_eq!(meant(b"\xd6\xa7\xb8a refund", &kinds, kind), Some(Kind::Refund));
        assert_eq!(meant(b"payments", &kinds, kind), None);
        assert_eq!(english("金额".as_bytes()), "");
    }

    #[test]
    fn places_have_names() {
        let known = |code| area(Area::new(code).expect("an area"));
        assert_eq!((known(320_500), known(320_599)), ("苏州", "未列名 unlisted"));
        assert_eq!(province(Province::new(66).expect("the Corps")), "兵团");
    }
}
