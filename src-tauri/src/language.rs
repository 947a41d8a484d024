//! The language of what is not in the page: the tray.

use keybearer_protocol::settings::{Language, Settings};

/// Where Chinese is written in traditional characters unless a locale says otherwise (CLDR, likely subtags).
const TRADITIONAL: [&str; 15] =
    ["AU", "BN", "GB", "GF", "HK", "ID", "MO", "PA", "PF", "PH", "SR", "TH", "TW", "US", "VN"];

/// The language that the user chose, or else the system's.
pub fn of(settings: Option<&Settings>) -> Language {
    settings.and_then(|settings| settings.language).unwrap_or_else(|| spoken(sys_locale::get_locale().as_deref()))
}

/// The one of ours that is nearest to a locale, such as `zh_CN.UTF-8` or `en-GB`. As in the page, Chinese in
/// traditional characters has none yet, and is English.
fn spoken(locale: Option<&str>) -> Language {
    let locale = locale.unwrap_or_default().split(['.', '@']).next().unwrap_or_default();
    let mut parts = locale.split(['-', '_']);
    if !parts.next().is_some_and(|language| language.eq_ignore_ascii_case("zh")) {
        return Language::English;
    }
    // What comes first decides: the script, or the region where none is named.
    let simplified = parts.next().is_none_or(|part| match part.len() {
        4 => part.eq_ignore_ascii_case("Hans"),
        _ => !TRADITIONAL.iter().any(|region| part.eq_ignore_ascii_case(region)),
    });
    if simplified { Language::SimplifiedChinese } else { Language::English }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_simplified_chinese_is_english() {
        for (locale, language) in [
            (Some("zh-CN"), Language::SimplifiedChinese),
            (Some("zh_SG.UTF-8"), Language::SimplifiedChinese),
            (Some("zh-Hans"), Language::SimplifiedChinese),
            (Some("zh-Hans-TW"), Language::SimplifiedChinese),
            (Some("zh_TW.UTF-8"), Language::English),
            (Some("zh-HK"), Language::English),
            (Some("zh-Hant"), Language::English),
            (Some("zh-Hant-CN"), Language::English),
            (Some("zh"), Language::SimplifiedChinese),
            (Some("de-DE"), Language::English),
            (Some("C"), Language::English),
            (None, Language::English),
        ] {
            assert_eq!(spoken(locale), language, "{locale:?}");
        }
    }
}
