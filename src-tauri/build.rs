//! Embeds configuration, icons and permissions, and names the window's commands: a window may call only those
//! that its file in `capabilities/` allows.

fn main() {
    let commands = tauri_build::AppManifest::new().commands(&["agent_status", "list_accounts"]);
    if let Err(error) = tauri_build::try_build(tauri_build::Attributes::new().app_manifest(commands)) {
        panic!("{error:#}");
    }
}
