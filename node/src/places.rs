//! The provinces: code, name, and an area of each for demonstrations.

/// A province-level unit of the scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Province {
    /// Its code, two digits (GB/T 2260; 66 is the Xinjiang Production and Construction Corps).
    pub code: u64,
    /// Its name.
    pub name: &'static str,
    /// Its name in Chinese.
    pub zh: &'static str,
    /// Whether all eight kinds of near relative are in its in-province scope.
    pub wide: bool,
    /// A pooling area of it, six digits.
    pub area: &'static str,
}

const fn p(code: u64, name: &'static str, zh: &'static str, wide: bool, area: &'static str) -> Province {
    Province { code, name, zh, wide, area }
}

/// All thirty-two, by code.
pub const PROVINCES: &[Province] = &[
    p(11, "Beijing", "北京", false, "110000"),
    p(12, "Tianjin", "天津", true, "120000"),
    p(13, "Hebei", "河北", true, "130100"),
    p(14, "Shanxi", "山西", true, "140100"),
    p(15, "Inner Mongolia", "内蒙古", false, "150100"),
    p(21, "Liaoning", "辽宁", true, "210100"),
    p(22, "Jilin", "吉林", true, "220100"),
    p(23, "Heilongjiang", "黑龙江", true, "230100"),
    p(31, "Shanghai", "上海", false, "310000"),
    p(32, "Jiangsu", "江苏", true, "320500"),
    p(33, "Zhejiang", "浙江", true, "330100"),
    p(34, "Anhui", "安徽", false, "340100"),
    p(35, "Fujian", "福建", false, "350100"),
    p(36, "Jiangxi", "江西", true, "360100"),
    p(37, "Shandong", "山东", true, "370100"),
    p(41, "Henan", "河南", true, "410100"),
    p(42, "Hubei", "湖北", true, "420300"),
    p(43, "Hunan", "湖南", true, "430100"),
    p(44, "Guangdong", "广东", false, "440100"),
    p(45, "Guangxi", "广西", true, "450100"),
    p(46, "Hainan", "海南", true, "460100"),
    p(50, "Chongqing", "重庆", false, "500000"),
    p(51, "Sichuan", "四川", true, "510100"),
    p(52, "Guizhou", "贵州", true, "520100"),
    p(53, "Yunnan", "云南", true, "530100"),
    p(54, "Tibet", "西藏", true, "540100"),
    p(61, "Shaanxi", "陕西", true, "610100"),
    p(62, "Gansu", "甘肃", true, "620100"),
    p(63, "Qinghai", "青海", false, "630100"),
    p(64, "Ningxia", "宁夏", true, "640100"),
    p(65, "Xinjiang", "新疆", true, "650100"),
    p(66, "XPCC", "兵团", false, "660000"),
];

/// The province of a code.
pub fn province(code: u64) -> Option<Province> {
    PROVINCES.iter().find(|province| province.code == code).copied()
}

/// A node id for people: `32000001 江苏`.
pub fn node_label(node: u64) -> String {
    match province(node / 1_000_000) {
        Some(province) => format!("{node} {}", province.zh),
        None => node.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_thirty_two_and_each_area_lies_in_its_province() {
        assert_eq!(PROVINCES.len(), 32);
        for province in PROVINCES {
            assert!(
                province.area.starts_with(&province.code.to_string()) && province.area.len() == 6,
                "{province:?}"
            );
        }
        assert!(PROVINCES.windows(2).all(|two| two[0].code < two[1].code));
        assert_eq!(node_label(32_000_001), "32000001 江苏");
    }
}
