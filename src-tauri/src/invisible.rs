//! Characters that nobody sees, and that change what is seen: they have no place in a name that is shown, or in a
//! command that is copied.

/// The most characters of a name that are shown: some servers choose theirs.
const NAME: usize = 40;

/// Whether a character is one of them: line ends and other controls, directions, joiners, tags.
pub fn is(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A name as it may stand in a menu or a notification: short, and without what makes it look like another.
pub fn shown(name: &str) -> String {
    let plain: Vec<char> = name.chars().filter(|c| !is(*c)).collect();
    let cut: String = plain.iter().take(NAME).collect();
    if plain.len() > NAME { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_pose_as_another() {
        assert_eq!(shown("lin\u{202e}e\u{2060}a\u{e0041}r\n"), "linear");
        assert_eq!(shown(&"x".repeat(41)), format!("{}…", "x".repeat(40)));
    }
}
