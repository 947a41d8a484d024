//! The program that offers the keyring, so that people are told what to do in the one they have.

use std::fmt;

/// A program that people keep secrets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// gnome-keyring.
    Gnome,
    /// KeePassXC.
    KeePassXc,
    /// KWallet of KDE.
    KWallet,
    /// The system itself, or one that isn't known here.
    Other,
}

impl Keeper {
    /// The one whose process has this name, which Linux cuts off after fifteen characters.
    pub fn of_process(name: &str) -> Keeper {
        match name {
            "gnome-keyring-d" => Keeper::Gnome,
            "keepassxc" => Keeper::KeePassXc,
            "kwalletd5" | "kwalletd6" | "ksecretd" => Keeper::KWallet,
            _ => Keeper::Other,
        }
    }

    /// What people call it; nothing for the system's own, and one that isn't known here.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Keeper::Gnome => Some("GNOME Keyring"),
            Keeper::KeePassXc => Some("KeePassXC"),
            Keeper::KWallet => Some("KWallet"),
            Keeper::Other => None,
        }
    }

    /// How a person unlocks it.
    pub fn how_to_unlock(self) -> &'static str {
        match self {
            Keeper::Gnome => "unlock it in its dialog, or in Passwords and Keys",
            Keeper::KeePassXc => "answer it, or open the database in it",
            Keeper::KWallet => "open the wallet in its dialog, or in KWalletManager",
            Keeper::Other => "unlock it in its dialog or its own window",
        }
    }

    /// How a person makes a place in it where something can be kept.
    pub fn how_to_make_room(self) -> &'static str {
        match self {
            Keeper::Gnome => "make a password keyring in Passwords and Keys, and set it as default",
            Keeper::KeePassXc => "open a database in it that exposes a group to the Secret Service",
            Keeper::KWallet => "make a wallet in KWalletManager",
            Keeper::Other => "make a default collection in its own window",
        }
    }
}

impl fmt::Display for Keeper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Keeper::Gnome => "the system keyring (gnome-keyring)",
            Keeper::KeePassXc => "the system keyring (KeePassXC)",
            Keeper::KWallet => "the system keyring (KWallet)",
            Keeper::Other => "the system keyring",
        })
    }
}
