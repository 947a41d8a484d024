//! The language of what is not in the page: the tray.

use keybearer_protocol::settings::{Language, Settings};

/// The language that the user chose, or else the system's.
pub fn of(settings: Option<&Settings>) -> Language {
    settings.and_then(|settings| settings.language).unwrap_or_else(|| spoken(sys_locale::get_locale().as_deref()))
}

/// The one of ours that is nearest to a locale, such as `zh_CN.UTF-8` or `en-GB`.
fn spoken(locale: Option<&str>) -> Language {
    let chinese = locale.is_some_and(|locale| locale.split(['-', '_', '.']).next() == Some("zh"));
    if chinese { Language::SimplifiedChinese } else { Language::English }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_chinese_is_english() {
        for (locale, language) in [
            (Some("zh-CN"), Language::SimplifiedChinese),
            (Some("zh_TW.UTF-8"), Language::SimplifiedChinese),
            (Some("zh"), Language::SimplifiedChinese),
            (Some("de-DE"), Language::English),
            (Some("C"), Language::English),
            (None, Language::English),
        ] {
            assert_eq!(spoken(locale), language, "{locale:?}");
        }
    }
}
