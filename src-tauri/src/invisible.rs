//! Characters that nobody sees, and that change what is seen: they have no place in a name that is shown, or in a
//! command that is copied.

/// Whether a character is one of them: line ends and other controls, directions, joiners, tags.
pub fn is(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
