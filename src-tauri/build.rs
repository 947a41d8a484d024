//! Embeds configuration, icons and permissions, and names the window's commands: a window may call only those
//! that its file in `capabilities/` allows.

/// As in `commands::all`; a test compares the two through `capabilities/`.
const COMMANDS: &[&str] = &[
    "agent_status",
    "opening",
    "accounts",
    "account",
    "add_account",
    "update_account",
    "rename_account",
    "remove_account",
    "restore_account",
    "sign_in",
    "sign_in_status",
    "cancel_sign_in",
    "complete_sign_in",
    "sign_out",
    "test_account",
    "tools",
    "timeline",
    "copy_access_token",
    "refresh_account",
    "grants",
    "revoke_grant",
    "restore_grant",
    "restricted",
    "set_restricted",
    "activity",
    "follow_activity",
    "clients",
    "servers_of_clients",
    "preview_install",
    "install",
    "undo_install",
    "prompts",
    "answer_prompt",
    "settings",
    "change_settings",
    "starts_at_login",
    "start_at_login",
    "lock",
    "unlock",
    "pause",
    "resume",
    "move_vault",
    "all_grants",
    "link_owner",
    "take_links",
    "test_links",
    "installation",
    "export_servers",
    "import_servers",
    "open_import",
    "vault_status",
    "set_account_approval",
    "browsers",
    "collect_diagnostics",
    "save_diagnostics",
    "export_activity",
    "start_practice",
    "updates_itself",
    "find_update",
    "install_update",
    "copy_text",
    "copied_address",
    "quit",
];

fn main() {
    // The page is part of the executable: one that was built anew must get in.
    println!("cargo::rerun-if-changed=../ui/dist");
    let commands = tauri_build::AppManifest::new().commands(COMMANDS);
    if let Err(error) = tauri_build::try_build(tauri_build::Attributes::new().app_manifest(commands)) {
        panic!("{error:#}");
    }
}
