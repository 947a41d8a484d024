//! The sealed vault: a file of our own, for machines without a keyring, and for people who want a passphrase.
//!
//! Each item is sealed under the vault's key, for this vault, this id and one generation. A tally over all ids and their
//! generations is sealed beside them: an item that was swapped, put back or taken out by somebody else is found when the
//! vault opens. What can't be found is an older copy of the whole file.

/// The file.
mod database;
/// What a sealed text is for.
mod purpose;

use super::VaultError;
use super::store::{Found, PROBE, Place, Store, is_listed, key_item};
use crate::seal::{KEY_LENGTH, Key, Stretching};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use database::{Database, Row, Step};
use keybearer_protocol::vault::{KeyringView, VaultKind};
use purpose::Purpose;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What is to guard the key of a new vault.
pub(super) enum Guard {
    /// The system's keyring, which keeps it.
    Keyring,
    /// A passphrase, which has made this key.
    Passphrase(Stretching, Key),
}

/// A sealed vault.
pub(super) struct Sealed {
    path: PathBuf,
    vault: String,
    protector: Protector,
    /// Where its key lies, if that is with the system.
    keyring: Box<dyn Store>,
    /// The vault's key, as long as it isn't locked.
    key: Option<Key>,
    ledger: Option<Ledger>,
    /// Whether it was locked: then the keyring isn't asked for the key either.
    locked: bool,
}

/// What stands in the file for all to read.
#[derive(Serialize, Deserialize)]
struct Header {
    vault: String,
    protector: Protector,
}

/// What guards the vault's key.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Protector {
    /// The system's keyring keeps it.
    Keyring,
    /// It is sealed under a key that a passphrase makes.
    Passphrase { stretching: Stretching, key: String },
}

/// The open file, and what has to be known of all that is in it.
struct Ledger {
    database: Database,
    /// The latest change.
    generation: u64,
    /// The marks of all items, put together.
    tally: Tally,
    generations: BTreeMap<String, u64>,
}

/// The marks of any number of items, put together so that each can be put in and taken out. Only the key's holder can make
/// a mark, and none lies in the open.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Tally([u8; KEY_LENGTH]);

impl Tally {
    fn toggle(&mut self, mark: [u8; KEY_LENGTH]) {
        self.0.iter_mut().zip(mark).for_each(|(sum, byte)| *sum ^= byte);
    }
}

impl Sealed {
    /// Makes one. Whoever is cut off leaves something that [`remove`] takes away.
    pub(super) fn create(
        path: &Path,
        vault: &str,
        guard: &Guard,
        mut keyring: Box<dyn Store>,
    ) -> Result<Sealed, VaultError> {
        let key = Key::generate();
        let protector = match guard {
            Guard::Keyring => {
                keep(&mut *keyring, vault, &key)?;
                Protector::Keyring
            }
            Guard::Passphrase(stretching, of_passphrase) => {
                let sealed = of_passphrase.seal(key.expose(), &of_key(vault).bytes());
                Protector::Passphrase { stretching: *stretching, key: BASE64_STANDARD.encode(sealed) }
            }
        };
        let header = Header { vault: vault.to_owned(), protector };
        let text = serde_json::to_string(&header).map_err(|_| VaultError::Unusable("its header".to_owned()))?;
        let tally = Tally::default();
        let database = Database::create(path, &text, &key.seal(&tally.0, &of_tally(vault, 0).bytes()))?;
        let ledger = Some(Ledger { database, generation: 0, tally, generations: BTreeMap::new() });
        let (path, vault) = (path.to_owned(), vault.to_owned());
        Ok(Sealed { path, vault, protector: header.protector, keyring, key: Some(key), ledger, locked: false })
    }

    /// The one in this file. Nothing but its header is read yet.
    pub(super) fn open(path: &Path, vault: &str, keyring: Box<dyn Store>) -> Result<Sealed, VaultError> {
        let header: Header = serde_json::from_str(&Database::header(path)?)
            .map_err(|_| VaultError::Damaged("its header can't be read".to_owned()))?;
        if header.vault != vault {
            return Err(VaultError::Damaged("another vault lies in its place".to_owned()));
        }
        let (path, protector) = (path.to_owned(), header.protector);
        Ok(Sealed { path, vault: header.vault, protector, keyring, key: None, ledger: None, locked: false })
    }

    /// Its key, and the open file.
    fn opened(&mut self) -> Result<(&Key, &str, &mut Ledger), VaultError> {
        if self.locked {
            return Err(VaultError::Sealed);
        }
        let key = match self.key.take() {
            Some(key) => key,
            None => self.key_of_keyring()?,
        };
        let key = self.key.insert(key);
        let ledger = match self.ledger.take() {
            Some(ledger) => ledger,
            None => Ledger::read(Database::open(&self.path)?, key, &self.vault)?,
        };
        Ok((key, &self.vault, self.ledger.insert(ledger)))
    }

    fn key_of_keyring(&mut self) -> Result<Key, VaultError> {
        match self.protector {
            Protector::Passphrase { .. } => Err(VaultError::Sealed),
            Protector::Keyring => {
                let kept = self.keyring.read(&key_item(&self.vault))?;
                kept.and_then(|text| key_of(&text)).ok_or(VaultError::KeyGone)
            }
        }
    }

    /// Does this with the open file. After trouble it is opened anew, and everything in it is looked at again: nobody
    /// knows how far a change came.
    fn with_ledger<T>(
        &mut self,
        job: impl FnOnce(&Key, &str, &mut Ledger) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let (key, vault, ledger) = self.opened()?;
        let outcome = job(key, vault, ledger);
        if matches!(outcome, Err(VaultError::Full | VaultError::Unusable(_) | VaultError::Damaged(_))) {
            self.ledger = None;
        }
        outcome
    }
}

impl Ledger {
    /// Looks at what the file holds, whether it is what was left there.
    fn read(database: Database, key: &Key, vault: &str) -> Result<Ledger, VaultError> {
        let (generation, sealed) = database.tally()?;
        let mut tally = Tally::default();
        let mut generations = BTreeMap::new();
        for (id, generation) in database.generations()? {
            tally.toggle(of_item(vault, &id, generation).mark(key));
            generations.insert(id, generation);
        }
        let left = key.open(&sealed, &of_tally(vault, generation).bytes());
        if left.is_ok_and(|left| *left == tally.0) {
            Ok(Ledger { database, generation, tally, generations })
        } else {
            Err(VaultError::Damaged("somebody else has put items in, back or out".to_owned()))
        }
    }

    fn read_item(&self, key: &Key, vault: &str, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let Some(generation) = self.generations.get(id) else { return Ok(None) };
        let row = self.database.row(id)?.filter(|row| row.generation == *generation);
        let content = row.and_then(|row| key.open(&row.sealed, &of_item(vault, id, row.generation).bytes()).ok());
        content
            .map(Some)
            .ok_or_else(|| VaultError::Unreadable("it was damaged, or changed by somebody else".to_owned()))
    }

    /// Writes items, all of them or none.
    fn write(&mut self, key: &Key, vault: &str, items: &[(&str, &[u8])]) -> Result<(), VaultError> {
        let (mut tally, mut generation, mut rows) = (self.tally, self.generation, Vec::new());
        for (id, content) in items {
            generation += 1;
            if let Some(before) = self.generations.get(*id) {
                tally.toggle(of_item(vault, id, *before).mark(key));
            }
            let purpose = of_item(vault, id, generation);
            tally.toggle(purpose.mark(key));
            rows.push(Row { id: (*id).to_owned(), generation, sealed: key.seal(content, &purpose.bytes()) });
        }
        let sealed = key.seal(&tally.0, &of_tally(vault, generation).bytes());
        self.database.change(&Step { rows: &rows, gone: None, generation, tally: &sealed })?;
        (self.tally, self.generation) = (tally, generation);
        self.generations.extend(rows.into_iter().map(|row| (row.id, row.generation)));
        Ok(())
    }

    fn delete(&mut self, key: &Key, vault: &str, id: &str) -> Result<(), VaultError> {
        let Some(before) = self.generations.get(id) else { return Ok(()) };
        let (mut tally, generation) = (self.tally, self.generation + 1);
        tally.toggle(of_item(vault, id, *before).mark(key));
        let sealed = key.seal(&tally.0, &of_tally(vault, generation).bytes());
        self.database.change(&Step { rows: &[], gone: Some(id), generation, tally: &sealed })?;
        (self.tally, self.generation) = (tally, generation);
        self.generations.remove(id);
        Ok(())
    }
}

impl Store for Sealed {
    fn kind(&self) -> VaultKind {
        match self.protector {
            Protector::Keyring => VaultKind::SealedByKeyring,
            Protector::Passphrase { .. } => VaultKind::SealedByPassphrase,
        }
    }

    fn known_as(&mut self) -> Option<KeyringView> {
        match self.protector {
            Protector::Keyring => self.keyring.known_as(),
            Protector::Passphrase { .. } => None,
        }
    }

    fn probe(&mut self) -> Result<(), VaultError> {
        const CONTENT: &[u8] = b"probe";
        self.write(PROBE, CONTENT)?;
        let kept = self.read(PROBE)?;
        self.delete(PROBE)?;
        if kept.is_some_and(|kept| *kept == CONTENT) { Ok(()) } else { Err(VaultError::NotKept) }
    }

    /// Whether its file is sound from outside, and its key where it should be. An agent may have it open.
    fn look(&mut self) -> Result<(), VaultError> {
        match self.protector {
            Protector::Passphrase { .. } => Ok(()),
            Protector::Keyring => self.key_of_keyring().map(drop),
        }
    }

    fn read(&mut self, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        self.with_ledger(|key, vault, ledger| ledger.read_item(key, vault, id))
    }

    fn write(&mut self, id: &str, content: &[u8]) -> Result<(), VaultError> {
        self.with_ledger(|key, vault, ledger| ledger.write(key, vault, &[(id, content)]))
    }

    fn write_all(&mut self, items: &[Found]) -> Result<(), VaultError> {
        let items: Vec<_> = items.iter().map(|item| (item.id.as_str(), item.content.as_slice())).collect();
        self.with_ledger(|key, vault, ledger| ledger.write(key, vault, &items))
    }

    fn delete(&mut self, id: &str) -> Result<(), VaultError> {
        self.with_ledger(|key, vault, ledger| ledger.delete(key, vault, id))
    }

    fn find_all(&mut self) -> Result<Vec<Place>, VaultError> {
        let (_, _, ledger) = self.opened()?;
        Ok(ledger.generations.keys().filter(|id| is_listed(id)).cloned().map(Place).collect())
    }

    fn read_at(&mut self, places: &[Place]) -> Result<Vec<Found>, VaultError> {
        let found = |Place(id): &Place| Ok(self.read(id)?.map(|content| Found { id: id.clone(), content }));
        places.iter().map(found).filter_map(Result::transpose).collect()
    }

    fn stretching(&self) -> Option<Stretching> {
        match &self.protector {
            Protector::Passphrase { stretching, .. } => Some(*stretching),
            Protector::Keyring => None,
        }
    }

    fn is_shut(&self) -> bool {
        self.key.is_none() && self.stretching().is_some()
    }

    fn unlock(&mut self, of_passphrase: Option<&Key>) -> Result<(), VaultError> {
        if let (Protector::Passphrase { key, .. }, Some(of_passphrase)) = (&self.protector, of_passphrase) {
            let unreadable = || VaultError::Damaged("its header can't be read".to_owned());
            let sealed = BASE64_STANDARD.decode(key).map_err(|_| unreadable())?;
            let bytes = of_passphrase.open(&sealed, &of_key(&self.vault).bytes());
            let bytes = bytes.map_err(|_| VaultError::WrongPassphrase)?;
            self.key = Some(Key::from_bytes(&bytes).ok_or_else(unreadable)?);
        }
        if self.is_shut() {
            return Err(VaultError::Sealed);
        }
        self.locked = false;
        self.opened().map(drop)
    }

    fn lock(&mut self) {
        (self.key, self.ledger, self.locked) = (None, None, true);
    }
}

/// Takes a vault away that isn't used any more, or never was.
pub(super) fn remove(path: &Path) -> Result<(), VaultError> {
    database::remove(path)
}

/// Puts the key of a vault into the keyring.
fn keep(keyring: &mut dyn Store, vault: &str, key: &Key) -> Result<(), VaultError> {
    let (id, text) = (key_item(vault), key.to_text());
    let text = text.expose_secret().as_bytes();
    keyring.write(&id, text)?;
    let kept = keyring.read(&id)?;
    if kept.is_some_and(|kept| *kept == text) { Ok(()) } else { Err(VaultError::NotKept) }
}

fn key_of(text: &[u8]) -> Option<Key> {
    Key::from_text(&SecretString::from(std::str::from_utf8(text).ok()?))
}

fn of_item<'a>(vault: &'a str, id: &'a str, generation: u64) -> Purpose<'a> {
    Purpose { kind: "keybearer item", vault, id, generation }
}

fn of_tally(vault: &str, generation: u64) -> Purpose<'_> {
    Purpose { kind: "keybearer tally", vault, id: "", generation }
}

fn of_key(vault: &str) -> Purpose<'_> {
    Purpose { kind: "keybearer vault key", vault, id: "", generation: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::{Connection, params};

    /// A keyring in memory.
    #[derive(Clone, Default)]
    struct Shelf(std::sync::Arc<std::sync::Mutex<BTreeMap<String, Vec<u8>>>>);

    impl Shelf {
        fn items(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
            self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
        }
    }

    impl Store for Shelf {
        fn kind(&self) -> VaultKind {
            VaultKind::Keyring
        }

        fn probe(&mut self) -> Result<(), VaultError> {
            Ok(())
        }

        fn read(&mut self, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
            Ok(self.items().get(id).cloned().map(Zeroizing::new))
        }

        fn write(&mut self, id: &str, content: &[u8]) -> Result<(), VaultError> {
            self.items().insert(id.to_owned(), content.to_vec());
            Ok(())
        }

        fn delete(&mut self, id: &str) -> Result<(), VaultError> {
            self.items().remove(id);
            Ok(())
        }

        fn find_all(&mut self) -> Result<Vec<Place>, VaultError> {
            Ok(self.items().keys().cloned().map(Place).collect())
        }

        fn read_at(&mut self, places: &[Place]) -> Result<Vec<Found>, VaultError> {
            let found = |Place(id): &Place| Ok(self.read(id)?.map(|content| Found { id: id.clone(), content }));
            places.iter().map(found).filter_map(Result::transpose).collect()
        }
    }

    /// A vault whose key lies on a shelf, and where its file is.
    struct Bench {
        _folder: tempfile::TempDir,
        path: PathBuf,
        shelf: Shelf,
    }

    impl Bench {
        fn new() -> Bench {
            let folder = tempfile::tempdir().expect("a folder");
            let (path, shelf) = (folder.path().join("vault.db"), Shelf::default());
            let vault = Sealed::create(&path, "7", &Guard::Keyring, Box::new(shelf.clone()));
            drop(vault.unwrap_or_else(|error| panic!("{error}")));
            Bench { _folder: folder, path, shelf }
        }

        fn open(&self) -> Sealed {
            Sealed::open(&self.path, "7", Box::new(self.shelf.clone())).unwrap_or_else(|error| panic!("{error}"))
        }

        fn write(&self, id: &str, content: &str) {
            self.open().write(id, content.as_bytes()).expect("written");
        }

        fn read(&self, id: &str) -> Result<Option<String>, VaultError> {
            Ok(self.open().read(id)?.map(|content| String::from_utf8_lossy(&content).into_owned()))
        }

        /// Does this to the file behind the vault's back.
        fn meddle(&self, statement: &str) {
            Connection::open(&self.path).and_then(|file| file.execute_batch(statement)).expect("done");
        }

        fn row(&self, id: &str) -> (i64, Vec<u8>) {
            let file = Connection::open(&self.path).expect("open");
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            file.query_row("SELECT generation, sealed FROM items WHERE id = ?1", [id], row).expect("a row")
        }

        fn put_back(&self, id: &str, (generation, sealed): (i64, Vec<u8>)) {
            let file = Connection::open(&self.path).expect("open");
            file.execute("INSERT OR REPLACE INTO items VALUES (?1, ?2, ?3)", params![id, generation, sealed])
                .expect("put");
        }
    }

    #[test]
    fn items_come_back_and_lie_in_the_file_for_nobody_to_read() {
        let bench = Bench::new();
        bench.write("one", "a secret");
        bench.write("one", "another secret");
        bench.write("two", &"x".repeat(300_000));
        assert_eq!(bench.read("one"), Ok(Some("another secret".to_owned())));
        assert_eq!(bench.read("two"), Ok(Some("x".repeat(300_000))));
        let mut vault = bench.open();
        vault.probe().expect("works");
        vault.delete("two").expect("deleted");
        assert_eq!(vault.find_all().expect("found"), [Place("one".to_owned())]);
        drop(vault);
        let content = std::fs::read(&bench.path).expect("read");
        assert!(!content.windows(6).any(|window| window == b"secret"));
        assert_eq!(bench.read("two"), Ok(None));
    }

    #[test]
    fn items_that_somebody_else_swapped_put_back_or_took_out_are_found() {
        let bench = Bench::new();
        ["one", "two"].iter().for_each(|id| bench.write(id, &format!("old {id}")));
        let (old_one, old_two) = (bench.row("one"), bench.row("two"));
        bench.write("one", "new one");
        let new_one = bench.row("one");
        let is_damaged = |bench: &Bench| matches!(bench.read("two"), Err(VaultError::Damaged(_)));

        bench.put_back("one", old_one.clone());
        assert!(is_damaged(&bench), "an older item");
        // Of an older text under the present generation, the vault opens, and this item alone doesn't.
        bench.put_back("one", (new_one.0, old_one.1.clone()));
        assert!(matches!(bench.read("one"), Err(VaultError::Unreadable(_))), "an older text");
        assert_eq!(bench.read("two"), Ok(Some("old two".to_owned())));
        bench.put_back("one", (new_one.0, old_two.1.clone()));
        assert!(matches!(bench.read("one"), Err(VaultError::Unreadable(_))), "another item's text");
        bench.put_back("one", old_two);
        assert!(is_damaged(&bench), "another item");
        bench.put_back("one", new_one.clone());
        assert_eq!(bench.read("one"), Ok(Some("new one".to_owned())));

        bench.meddle("DELETE FROM items WHERE id = 'one'");
        assert!(is_damaged(&bench), "an item less");
        bench.put_back("one", new_one.clone());
        bench.put_back("three", new_one);
        assert!(is_damaged(&bench), "an item more");
        bench.meddle("DELETE FROM items WHERE id = 'three'; UPDATE tally SET generation = 2");
        assert!(is_damaged(&bench), "another tally");
    }

    #[test]
    fn the_key_opens_it_and_is_nowhere_in_it() {
        let bench = Bench::new();
        bench.write("one", "a secret");
        let mut vault = bench.open();
        vault.read("one").expect("read");
        vault.lock();
        assert_eq!(vault.read("one"), Err(VaultError::Sealed));
        vault.unlock(None).expect("the shelf has the key");
        assert!(vault.read("one").is_ok_and(|content| content.is_some()));
        drop(vault);
        let key = bench.shelf.items().remove("vault-key-7").expect("a key");
        assert_eq!(bench.read("one"), Err(VaultError::KeyGone));
        let other = Key::generate().to_text();
        bench.shelf.clone().write("vault-key-7", other.expose_secret().as_bytes()).expect("written");
        assert!(matches!(bench.read("one"), Err(VaultError::Damaged(_))));
        bench.shelf.clone().write("vault-key-7", &key).expect("written");
        assert_eq!(bench.read("one"), Ok(Some("a secret".to_owned())));
    }

    #[test]
    fn a_passphrase_opens_its_vault_and_no_other_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, shelf) = (folder.path().join("vault.db"), Shelf::default());
        let stretching = Stretching::of_today();
        let stretch = |passphrase: &str| stretching.stretch(&passphrase.into()).expect("a key");
        let guard = Guard::Passphrase(stretching, stretch("right"));
        let vault = Sealed::create(&path, "7", &guard, Box::new(shelf.clone()));
        let mut vault = vault.unwrap_or_else(|error| panic!("{error}"));
        vault.write("one", b"a secret").expect("written");
        drop(vault);
        let vault = Sealed::open(&path, "7", Box::new(shelf));
        let mut vault = vault.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((vault.is_shut(), vault.read("one")), (true, Err(VaultError::Sealed)));
        assert_eq!(vault.stretching(), Some(stretching));
        assert_eq!(vault.unlock(Some(&stretch("wrong"))), Err(VaultError::WrongPassphrase));
        assert_eq!(vault.unlock(None), Err(VaultError::Sealed));
        vault.unlock(Some(&stretch("right"))).expect("unlocked");
        assert!(!vault.is_shut() && vault.read("one").is_ok_and(|content| content.is_some()));
    }
}
