//! A stranger's words, made fit to be read by people: on a terminal, in a window, on a page, in a log.

/// The most letters of a stranger that people are shown at one place.
const LIMIT: usize = 500;

/// One short line of what can be seen. Controls could take over a terminal, and what has no shape of its own could turn
/// a line around or hide a part of it, so both are left out.
pub fn readable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !is_unseen(*c)).take(LIMIT).collect()
}

/// Whether nobody sees the character itself: Unicode's format characters and line separators (`Cf`, `Zl`, `Zp`), what may
/// be left out when there is no picture for it (`Default_Ignorable_Code_Point`), private use, and the empty Braille cell.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
        | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_seen_is_left_of_a_strangers_words() {
        for (text, expected) in [
            ("two\r\nlines\u{85}\u{2028}\u{2029}", "twolines"),
            ("\u{1b}]52;c;ZXZpbA==\u{7}\u{9b}31m", "]52;c;ZXZpbA==31m"),
            ("safe\u{202e}gpj.exe\u{2066}\u{2069}\u{200f}\u{61c}", "safegpj.exe"),
            ("a\u{200b}d\u{200d}\u{feff}\u{ad}m\u{2060}in\u{e0041}\u{fe0f}\u{3164}", "admin"),
            ("Zugriff für naïve 名称 עברית ✓", "Zugriff für naïve 名称 עברית ✓"),
        ] {
            assert_eq!(readable(text), expected, "{text:?}");
        }
        assert_eq!(readable(&"x".repeat(10_000)).len(), LIMIT);
    }
}
