//! Words of scripts to things of the ledger: names, dates, spans.

use ledger::{Area, Day, Institution, Month, Person, Position, Province, Stamp};

pub type Result<T> = std::result::Result<T, String>;

pub const AREAS: &[(&str, u32)] = &[
    ("suzhou", 320500),
    ("lianyungang", 320700),
    ("zhengzhou", 410100),
    ("luoyang", 410300),
    ("hefei", 340100),
    ("jinan", 370100),
];

pub const INSTITUTIONS: &[(&str, &str)] = &[
    ("hospital", "H41010000001"),
    ("pharmacy", "P41010000002"),
    ("clinic", "H32050000003"),
    ("drugstore", "P32070000004"),
    ("kiosk", "P41010000005"),
    ("jinanhospital", "H37010000006"),
];

pub const WORLD: &[&str] = &[
    "genesis",
    "register-province province=32 kinship=wide",
    "register-province province=41 kinship=wide",
    "register-province province=34 kinship=narrow",
    "register-province province=37 kinship=wide",
    "register-area area=suzhou",
    "register-area area=lianyungang",
    "register-area area=zhengzhou",
    "register-area area=luoyang",
    "register-area area=hefei",
    "register-area area=jinan",
    "open area=suzhou from=now",
    "open area=lianyungang from=now",
    "open area=zhengzhou from=now",
    "open area=luoyang from=now",
    "open area=hefei from=now",
    "register-institution institution=hospital kind=hospital area=zhengzhou wallet=yes",
    "register-institution institution=pharmacy kind=pharmacy area=zhengzhou wallet=yes",
    "register-institution institution=clinic kind=hospital area=suzhou wallet=yes",
    "register-institution institution=drugstore kind=pharmacy area=lianyungang wallet=yes",
    "register-institution institution=kiosk kind=pharmacy area=zhengzhou wallet=no",
    "register-institution institution=jinanhospital kind=hospital area=jinan wallet=yes",
];

pub fn position(text: &str) -> Result<Position> {
    let (index, place) = text.split_once('-').ok_or_else(|| format!("nothing is called `{text}`"))?;
    let wrong = |_| format!("`{text}` is not a position");
    Ok(Position { index: index.parse().map_err(wrong)?, place: place.parse().map_err(wrong)? })
}

pub fn person(name: &str) -> Person {
    let mut id = [0; 16];
    id[..name.len()].copy_from_slice(name.as_bytes());
    Person(id)
}

pub fn province(code: &str) -> Result<Province> {
    code.parse().ok().and_then(Province::new).ok_or_else(|| format!("no province `{code}`"))
}

pub fn area(name: &str) -> Result<Area> {
    let known = AREAS.iter().find(|(known, _)| *known == name);
    let code = known.map(|(_, code)| *code).or_else(|| name.parse().ok());
    code.and_then(Area::new).ok_or_else(|| format!("no area `{name}`"))
}

pub fn institution(name: &str) -> Result<Institution> {
    let known = INSTITUTIONS.iter().find(|(known, _)| *known == name);
    Institution::new(known.map_or(name, |(_, code)| *code)).ok_or_else(|| format!("no institution `{name}`"))
}

pub fn span(text: &str) -> Result<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or("a span has a unit")?);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => ledger::stamp::HOUR_MS,
        "d" => ledger::stamp::DAY_MS,
        _ => return Err(format!("`{unit}` is no unit of time")),
    };
    Ok(number.parse::<u64>().map_err(|_| format!("`{text}` is no span"))? * unit)
}

/// `2026-03`.
pub fn month(text: &str) -> Result<Month> {
    let parts =
        text.split_once('-').and_then(|(year, month)| Some((year.parse().ok()?, month.parse().ok()?)));
    parts.and_then(|(year, month)| Month::new(year, month)).ok_or_else(|| format!("`{text}` is no month"))
}

/// `2026-03-01`.
pub fn day(text: &str) -> Result<Day> {
    Ok(moment(text, "00:00")?.day())
}

/// `06:00` as a minute of the day.
pub fn minute(text: &str) -> Result<u16> {
    let parts = text.split_once(':').and_then(|(hour, rest)| Some((hour.parse().ok()?, rest.parse().ok()?)));
    parts
        .map(|(hour, rest): (u16, u16)| hour * 60 + rest)
        .ok_or_else(|| format!("`{text}` is no time of the day"))
}

/// A date and time in +08:00, counted day by day.
pub fn moment(date: &str, time: &str) -> Result<Stamp> {
    let parts: Vec<u64> =
        date.split('-').chain(time.split(':')).map(|part| part.parse().unwrap_or(u64::MAX)).collect();
    let [year, month, day, hour, minute] = parts[..] else {
        return Err(format!("`{date} {time}` is no moment"));
    };
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let february = 28 + u64::from(leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: u64 = (1970..year).map(|year| 365 + u64::from(leap(year))).sum();
    let months: u64 = lengths.iter().take(month as usize - 1).sum();
    let minutes = ((years + months + day - 1) * 24 + hour) * 60 + minute;
    Ok(Stamp((minutes - 8 * 60) * 60_000))
}
