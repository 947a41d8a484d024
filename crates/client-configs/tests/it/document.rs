//! `docs/clients.md`: its table, and what it has people write by hand, are what this crate knows and writes.

use crate::samples::sample;
use keybearer_client_configs::{Client, Way};
use std::fs;

fn document() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/clients.md");
    fs::read_to_string(path).expect("the document").replace("\r\n", "\n")
}

#[test]
fn the_table_has_each_client_with_its_ways_in_order() {
    let document = document();
    for client in Client::ALL {
        let begins = format!("| {} | `{}` | `", client.name(), client.id());
        let row = document.lines().find(|line| line.starts_with(&begins)).unwrap_or_else(|| panic!("no row: {begins}"));
        let ways: Vec<&str> = client.ways().iter().map(|way| way.id()).collect();
        assert!(row.ends_with(&format!("| {} |", ways.join(", "))), "{row}");
    }
}

#[test]
fn what_is_to_be_written_by_hand_is_what_install_writes() {
    let document = document();
    let (_, by_hand) = document.split_once("\n## By hand\n").expect("the section");
    for client in Client::ALL {
        let is_named = |section: &&str| {
            section.lines().next().is_some_and(|names| names.split(", ").any(|name| name == client.name()))
        };
        let section = by_hand.split("\n### ").find(is_named).unwrap_or_else(|| panic!("{client}: how by hand?"));
        let best: Way = client.ways()[0];
        let written = sample(client, &format!("new-{best}"));
        assert!(section.contains(&format!("\n{written}```\n")), "{client}: install writes\n{written}");
        let flat = section.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(client.takes_effect()), "{client}: {}", client.takes_effect());
    }
}
