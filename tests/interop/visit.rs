//! A visit to one server: signed in, looked at, waited for, signed out.

use crate::seen::{Renewal, Revocation, Seen, WayBack};
use crate::server::{Server, folder};
use keybearer_tests::until::until;
use keybearer_tests::world::{World, share_ports};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// The name of the account.
const NAME: &str = "visitor";

/// A Keybearer that nobody knows yet, of a person whose desktop answers its links, and whose browser fills in any page.
pub(crate) struct Visitor {
    world: World,
    /// What the browser says.
    said: PathBuf,
}

/// A Keybearer with one account, which is signed in.
pub(crate) struct Visit<'a> {
    world: World,
    server: &'a Server,
}

impl Visitor {
    pub(crate) fn new() -> Visitor {
        let mut world = World::new().unwrap();
        let said = world.session.folder().join("browser.log");
        let browser = folder().join("browser.mjs");
        let script = format!("#!/bin/sh\nexec node '{}' \"$1\" 2>>'{}'\n", browser.display(), said.display());
        let program = world.session.write("browser", &script).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        world.browser = program.display().to_string();
        world.session.hand_links_to(&format!("\"{}\" callback %u", world.keybearer().display())).unwrap();
        Visitor { world, said }
    }

    /// Puts a client metadata document for this address to use; gives the file that would have to lie there.
    pub(crate) fn put_document_to_use(&self, url: &str) -> PathBuf {
        let document = self.world.ok(&["client-metadata", "--url", url, "--use"]).unwrap();
        self.world.session.write("client.json", &document).unwrap()
    }

    /// Signs in.
    pub(crate) fn visit(self, server: &Server) -> Visit<'_> {
        self.visit_with(server, &[], "")
    }

    /// Signs in as the client that was registered by hand.
    pub(crate) fn visit_by_hand<'a>(self, server: &'a Server, more: &[&str]) -> Visit<'a> {
        let (id, secret) = server.client();
        self.visit_with(server, &[&["--client-id", id, "--secret-stdin"], more].concat(), secret)
    }

    /// Signs in with an account that is added with these words and this text on standard input.
    pub(crate) fn visit_with<'a>(self, server: &'a Server, words: &[&str], text: &str) -> Visit<'a> {
        let Visitor { world, said } = self;
        let add = [&["add", server.mcp_url(), "--name", NAME, "--no-sign-in"], words].concat();
        let added = world.run_with(&add, text).unwrap();
        assert_eq!(added.code, 0, "{added:?}");
        let _shared = share_ports();
        let mut sign_in = world.spawn(&["sign-in", NAME]).unwrap();
        let ended = until("the sign-in", || Ok(sign_in.try_wait()?));
        let said = fs::read_to_string(said).unwrap_or_default();
        assert!(ended.is_ok_and(|ended| ended.success()), "{said}{:?}", world.sign_in_view(NAME));
        Visit { world, server }
    }
}

impl Visit<'_> {
    /// Signs in to a server that lets anybody register.
    pub(crate) fn begin(server: &Server) -> Visit<'_> {
        Visitor::new().visit(server)
    }

    /// Sees all there is to see, and signs out.
    pub(crate) fn finish(self) -> Seen {
        let account = self.account();
        assert_eq!(account["status"], "connected");
        let first = self.token();
        assert!(self.server.takes(&first));
        let tools = self.tools();
        let renewal = self.renewal(&account, &first);
        let registration = account["registration"].as_str().unwrap().to_owned();
        let way_back = self.way_back(&account, &registration);
        Seen { registration, tools, renewal, way_back, revocation: self.sign_out() }
    }

    fn account(&self) -> Value {
        self.world.json(&["show", NAME]).unwrap()
    }

    fn token(&self) -> Value {
        self.world.json(&["token", NAME]).unwrap()
    }

    fn tools(&self) -> u64 {
        let test = self.world.json(&["test", NAME]).unwrap();
        test["tools"].as_u64().unwrap()
    }

    /// Asks for tokens as a program does, until there is another one.
    fn renewal(&self, before: &Value, first: &Value) -> Renewal {
        if before["renewable"] == false {
            return Renewal::NotOffered;
        }
        let second = until("a renewed token", || {
            let token = self.world.json(&["token", NAME])?;
            Ok((token["access_token"] != first["access_token"]).then_some(token))
        });
        let second = second.unwrap();
        assert!(second["generation"].as_u64() > first["generation"].as_u64());
        assert!(self.server.takes(&second));
        assert!(self.tools() > 0);
        let after = self.account();
        assert_eq!(after["signed_in_at"], before["signed_in_at"], "somebody was asked");
        Renewal::Silent
    }

    /// The deep link comes first where Keybearer registers itself; that it must be a port is learned for the authorization
    /// server.
    fn way_back(&self, account: &Value, registration: &str) -> WayBack {
        let learned = fs::read(self.world.home.join("state/redirects.json"));
        let learned: Value = learned.map_or(json!({}), |learned| serde_json::from_slice(&learned).unwrap());
        if matches!(account["auth"].as_str(), Some("client_credentials" | "device")) {
            return WayBack::NotNeeded;
        }
        match account["callback"].as_str() {
            _ if registration != "dynamic" => {
                assert_eq!((&account["callback"], learned), (&json!("loopback"), json!({})));
                WayBack::AsRegistered
            }
            Some("deep_link") => {
                assert_eq!(learned, json!({}));
                WayBack::DeepLink
            }
            _ => {
                assert_eq!(learned, json!({ account["issuer"].as_str().unwrap(): "loopback" }));
                WayBack::Loopback
            }
        }
    }

    fn sign_out(self) -> Revocation {
        let last = self.token();
        let reply = self.world.json(&["sign-out", NAME]).unwrap();
        assert_eq!(self.world.run(&["token", NAME]).unwrap().code, 15);
        match (reply["revoked"].as_bool(), reply["not_revoked_because"].as_str()) {
            (Some(true), None) => {
                assert!(!self.server.takes(&last), "it said that the access token was taken back, and takes it");
                Revocation::AtOnce
            }
            (Some(true), Some(_)) => {
                assert!(self.server.takes(&last), "it said that the access token serves to its end, and refuses it");
                Revocation::RefreshTokenOnly
            }
            (_, Some(why)) if why.contains("offers no revocation") => Revocation::NotOffered,
            (_, why) => Revocation::Refused(why.unwrap_or_default().to_owned()),
        }
    }
}
