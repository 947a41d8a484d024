//! Items larger than what the keyring takes as one: cut into parts, with a head that names them. The head is written
//! after all parts of a new set, so whoever reads finds the old content or the new, whenever the writer ends.

use super::VaultError;
use zeroize::Zeroizing;

/// What Windows takes as one credential, in bytes (`CRED_MAX_CREDENTIAL_BLOB_SIZE`).
const LIMIT: usize = 2560;
/// The most parts of one item.
const PARTS: usize = 64;
/// How a head begins. Items are JSON objects, so none begins like this.
const HEAD: &str = "keybearer-parts-1 ";
/// What stands in the name of a part behind that of its item, whose own name has none.
const MARK: char = '#';

/// Where items and their parts are kept by name.
pub(super) trait Items {
    /// What an item holds.
    fn get(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError>;
    /// Writes one.
    fn set(&mut self, name: &str, content: &[u8]) -> Result<(), VaultError>;
    /// Deletes one; none is as good.
    fn remove(&mut self, name: &str) -> Result<(), VaultError>;
}

/// The two places of parts: a new content never overwrites the one that the head names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    A,
    B,
}

impl Set {
    fn name(self) -> &'static str {
        match self {
            Set::A => "a",
            Set::B => "b",
        }
    }

    fn other(self) -> Set {
        match self {
            Set::A => Set::B,
            Set::B => Set::A,
        }
    }
}

/// What a head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    set: Set,
    parts: usize,
    /// Of the whole content, in bytes.
    length: usize,
}

impl Head {
    fn of(content: &[u8]) -> Option<Head> {
        let text = std::str::from_utf8(content).ok()?.strip_prefix(HEAD)?;
        let mut words = text.split(' ');
        let set = match words.next()? {
            "a" => Set::A,
            "b" => Set::B,
            _ => return None,
        };
        let (parts, length) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        (parts <= PARTS && words.next().is_none()).then_some(Head { set, parts, length })
    }

    fn to_text(self) -> String {
        format!("{HEAD}{} {} {}", self.set.name(), self.parts, self.length)
    }
}

/// What the item of this name holds, put together.
pub(super) fn read(items: &mut impl Items, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
    let Some(content) = items.get(name)? else { return Ok(None) };
    let Some(head) = Head::of(&content) else { return Ok(Some(content)) };
    // Of its whole length from the start: growing would leave copies behind.
    let mut whole = Zeroizing::new(Vec::with_capacity(head.length.min(PARTS * LIMIT)));
    for number in 0..head.parts {
        let part = items.get(&part_name(name, head.set, number))?;
        whole.extend_from_slice(&part.ok_or_else(|| VaultError::Unreadable("a part of it is gone".to_owned()))?);
    }
    if whole.len() == head.length {
        Ok(Some(whole))
    } else {
        Err(VaultError::Unreadable("its parts don't fit together".to_owned()))
    }
}

/// Writes an item, in parts where it has to.
pub(super) fn write(items: &mut impl Items, name: &str, content: &[u8]) -> Result<(), VaultError> {
    let before = items.get(name)?.and_then(|content| Head::of(&content));
    if content.len() <= LIMIT {
        items.set(name, content)?;
    } else {
        let set = before.map_or(Set::A, |head| head.set.other());
        let parts: Vec<&[u8]> = content.chunks(LIMIT).collect();
        if parts.len() > PARTS {
            return Err(VaultError::TooLarge(format!("over {} bytes", PARTS * LIMIT)));
        }
        for (number, part) in parts.iter().enumerate() {
            items.set(&part_name(name, set, number), part)?;
        }
        let head = Head { set, parts: parts.len(), length: content.len() };
        items.set(name, head.to_text().as_bytes())?;
    }
    // The new content is kept: what is left of the old one is no reason to say otherwise.
    if let Some(head) = before
        && let Err(error) = remove_parts(items, name, head.set)
    {
        tracing::warn!(%error, "parts of an older keyring item are left for the next write");
    }
    Ok(())
}

/// Deletes an item with all its parts, also those that a writer which was cut off has left.
pub(super) fn remove(items: &mut impl Items, name: &str) -> Result<(), VaultError> {
    items.remove(name)?;
    remove_parts(items, name, Set::A)?;
    remove_parts(items, name, Set::B)
}

/// Deletes the parts of one set. They were written from the first on, so behind the first that is missing is none, but
/// for those that an earlier deletion didn't come to; so the last go first.
fn remove_parts(items: &mut impl Items, name: &str, set: Set) -> Result<(), VaultError> {
    let mut count = 0;
    while count < PARTS && items.get(&part_name(name, set, count))?.is_some() {
        count += 1;
    }
    (0..count).rev().try_for_each(|number| items.remove(&part_name(name, set, number)))
}

/// Whether this is the name of a part, and not of an item.
#[cfg(any(target_os = "macos", windows))]
pub(super) fn is_part(name: &str) -> bool {
    name.contains(MARK)
}

fn part_name(name: &str, set: Set, number: usize) -> String {
    format!("{name}{MARK}{}{number}", set.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// A keyring with the limit, which stops answering after so many writes.
    #[derive(Clone, Debug, Default)]
    struct Shelf {
        items: BTreeMap<String, Vec<u8>>,
        writes_left: Option<usize>,
    }

    impl Shelf {
        fn spend(&mut self) -> Result<(), VaultError> {
            let Some(left) = &mut self.writes_left else { return Ok(()) };
            *left = left.checked_sub(1).ok_or(VaultError::Silent)?;
            Ok(())
        }

        fn content(&mut self) -> Option<Vec<u8>> {
            read(self, "item").expect("readable").map(|content| content.to_vec())
        }
    }

    impl Items for Shelf {
        fn get(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
            Ok(self.items.get(name).cloned().map(Zeroizing::new))
        }

        fn set(&mut self, name: &str, content: &[u8]) -> Result<(), VaultError> {
            assert!(content.len() <= LIMIT, "the keyring takes no more");
            self.spend()?;
            self.items.insert(name.to_owned(), content.to_vec());
            Ok(())
        }

        fn remove(&mut self, name: &str) -> Result<(), VaultError> {
            self.spend()?;
            self.items.remove(name);
            Ok(())
        }
    }

    fn content(length: usize, seed: u8) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at % 251).unwrap_or_default() ^ seed).collect()
    }

    #[test]
    fn items_of_every_size_come_back_and_leave_nothing_behind() {
        let mut shelf = Shelf::default();
        for length in [0, 1, LIMIT, LIMIT + 1, 2 * LIMIT, 3 * LIMIT + 7, PARTS * LIMIT, 5] {
            let content = content(length, 0);
            write(&mut shelf, "item", &content).expect("written");
            assert_eq!(shelf.content(), Some(content));
            let parts = if length > LIMIT { length.div_ceil(LIMIT) } else { 0 };
            assert_eq!(shelf.items.len(), 1 + parts, "{length} bytes");
        }
        let too_large = write(&mut shelf, "item", &content(PARTS * LIMIT + 1, 0));
        assert!(matches!(too_large, Err(VaultError::TooLarge(_))));
        assert_eq!(shelf.content(), Some(content(5, 0)));
        write(&mut shelf, "item", &content(9000, 0)).expect("written");
        remove(&mut shelf, "item").expect("removed");
        assert!(shelf.items.is_empty());
    }

    #[test]
    fn a_writer_that_is_cut_off_anywhere_leaves_the_old_content_or_the_new() {
        for (old, new) in [(100, 9000), (9000, 100), (9000, 9001), (9000, 2561), (3000, 12_000)] {
            let (old, new) = (content(old, 1), content(new, 2));
            let mut before = Shelf::default();
            write(&mut before, "item", &old).expect("written");
            for writes in 0.. {
                let mut shelf = Shelf { writes_left: Some(writes), ..before.clone() };
                let outcome = write(&mut shelf, "item", &new);
                let done = shelf.writes_left != Some(0);
                shelf.writes_left = None;
                let kept = shelf.content().expect("something");
                assert!(kept == old || kept == new, "after {writes} writes");
                assert!(outcome.is_err() || kept == new, "said to be written after {writes} writes");
                // Whatever was left lying about is gone with the next writes.
                write(&mut shelf, "item", &old).expect("written");
                write(&mut shelf, "item", &new).expect("written");
                assert_eq!(shelf.content().as_ref(), Some(&new));
                remove(&mut shelf, "item").expect("removed");
                assert!(shelf.items.is_empty(), "after {writes} writes {:?} was left", shelf.items.keys());
                if done {
                    break;
                }
            }
        }
    }

    #[test]
    fn a_lost_part_is_said_and_nothing_else_is_taken_for_it() {
        let mut shelf = Shelf::default();
        write(&mut shelf, "item", &content(9000, 0)).expect("written");
        let whole = shelf.clone();
        shelf.items.remove("item#a1");
        assert!(matches!(read(&mut shelf, "item"), Err(VaultError::Unreadable(_))));
        let mut shorter = whole;
        shorter.items.insert("item#a3".to_owned(), vec![0]);
        assert!(matches!(read(&mut shorter, "item"), Err(VaultError::Unreadable(_))));
    }
}
