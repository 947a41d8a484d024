//! A home with clients in it.

use keybearer_client_configs::{Client, Connection, Error, Places, Preview, Receipt, Server, System, Undone, Way};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What stands in samples where a secret would.
pub(crate) const PLANTED: &str = "PLANTED";
/// The gateway's key.
pub(crate) const LOCAL_KEY: &str = "local-PLANTED-key";
pub(crate) const LINEAR: Server<'static> = Server { name: "linear", url: "https://mcp.linear.app/mcp" };

pub(crate) struct Home {
    folder: TempDir,
    pub(crate) places: Places,
}

impl Home {
    pub(crate) fn new() -> Self {
        Home::on(System::Linux)
    }

    pub(crate) fn on(system: System) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let places = Places::below(system, folder.path());
        Home { folder, places }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.path("state/keybearer/clients")
    }

    /// A client's file with this in it.
    pub(crate) fn file(&self, client: Client, content: impl AsRef<[u8]>) -> PathBuf {
        let file = client.files(&self.places).remove(0);
        write(&file, content);
        file
    }

    pub(crate) fn preview(&self, client: Client, way: Way) -> Result<Preview, Error> {
        self.preview_for(client, LINEAR, &connection(way, LINEAR))
    }

    pub(crate) fn preview_for(
        &self,
        client: Client,
        server: Server<'_>,
        connection: &Connection,
    ) -> Result<Preview, Error> {
        keybearer_client_configs::preview(client, &self.places, server, connection)
    }

    pub(crate) fn apply(&self, preview: &Preview) -> Result<Receipt, Error> {
        keybearer_client_configs::apply(&self.places, preview, &self.records())
    }

    pub(crate) fn install(&self, client: Client, way: Way) -> Receipt {
        let preview = self.preview(client, way).expect("a preview");
        self.apply(&preview).expect("written")
    }

    /// Takes back, from the record alone.
    pub(crate) fn undo(&self, receipt: &Receipt) -> Result<Undone, Error> {
        let receipt = Receipt::load(&self.records(), &receipt.id)?;
        keybearer_client_configs::undo(&self.places, &receipt, &self.records())
    }

    /// Every file that is there, but records.
    pub(crate) fn all_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
                if entry.is_dir() && entry != self.records() {
                    folders.push(entry);
                } else if !entry.is_dir() {
                    files.push(entry);
                }
            }
        }
        files.sort();
        files
    }
}

pub(crate) fn write(file: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(file.parent().expect("a folder")).expect("the folder can be made");
    #[expect(clippy::disallowed_methods, reason = "as a client would have written it")]
    fs::write(file, content).expect("the file can be written");
}

pub(crate) fn text(file: &Path) -> String {
    fs::read_to_string(file).expect("a text")
}

pub(crate) fn connection(way: Way, server: Server<'_>) -> Connection {
    let name = server.name.to_owned();
    match way {
        Way::Helper => Connection::Helper {
            url: server.url.to_owned(),
            command: vec!["/usr/bin/keybearer".to_owned(), "headers".to_owned(), name],
        },
        Way::Bridge => {
            Connection::Bridge { command: "/usr/bin/keybearer".to_owned(), args: vec!["bridge".to_owned(), name] }
        }
        Way::Socket => Connection::Socket {
            url: format!("unix:///run/user/1000/keybearer/gateway/gateway-http.v1.sock#/mcp/{name}"),
        },
        Way::Gateway => Connection::Gateway {
            url: format!("http://127.0.0.1:47840/mcp/{name}"),
            headers: vec![("Keybearer-Key".to_owned(), LOCAL_KEY.into())],
        },
    }
}
