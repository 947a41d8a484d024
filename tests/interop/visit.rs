//! A visit to one server: signed in, looked at, waited for, signed out.

use crate::seen::{Renewal, Revocation, Seen, WayBack};
use crate::server::{Server, folder};
use keybearer_tests::until::until;
use keybearer_tests::world::{World, share_ports};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// The name of the account.
const NAME: &str = "visitor";

/// A Keybearer that nobody knows yet, with one account.
pub(crate) struct Visit<'a> {
    world: World,
    server: &'a Server,
}

impl Visit<'_> {
    /// Signs in as a person does whose desktop answers Keybearer's links, and whose browser fills in any page.
    pub(crate) fn begin(server: &Server) -> Visit<'_> {
        let mut world = World::new().unwrap();
        let said = world.session.folder().join("browser.log");
        let browser = folder().join("browser.mjs");
        let script = format!("#!/bin/sh\nexec node '{}' \"$1\" 2>>'{}'\n", browser.display(), said.display());
        let program = world.session.write("browser", &script).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        world.browser = program.display().to_string();
        world.session.hand_links_to(&format!("\"{}\" callback %u", world.keybearer().display())).unwrap();
        world.add(NAME, server.mcp_url()).unwrap();
        let _shared = share_ports();
        let mut sign_in = world.spawn(&["sign-in", NAME]).unwrap();
        let ended = until("the sign-in", || Ok(sign_in.try_wait()?));
        let said = fs::read_to_string(said).unwrap_or_default();
        assert!(ended.is_ok_and(|ended| ended.success()), "{said}{:?}", world.sign_in_view(NAME));
        Visit { world, server }
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
        Seen { registration, tools, renewal, way_back: self.way_back(&account), revocation: self.sign_out() }
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

    /// The deep link comes first; that it must be a port is learned for the authorization server.
    fn way_back(&self, account: &Value) -> WayBack {
        let learned = fs::read(self.world.home.join("state/redirects.json"));
        let learned: Value = learned.map_or(json!({}), |learned| serde_json::from_slice(&learned).unwrap());
        match account["callback"].as_str() {
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
