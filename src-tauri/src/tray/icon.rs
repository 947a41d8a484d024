//! The icons of the tray: white ones for dark panels, dark ones for light panels, black ones that macOS paints itself.

use super::model::Mood;
use tauri::image::Image;
use tauri::{Theme, include_image};

/// The icon for a mood, on a panel of this theme.
pub(super) fn of(mood: Mood, panel: Theme) -> Image<'static> {
    let light = panel == Theme::Light;
    match mood {
        Mood::Idle if cfg!(target_os = "macos") => include_image!("../icons/tray-template.png"),
        Mood::Attention if cfg!(target_os = "macos") => include_image!("../icons/tray-attention-template.png"),
        Mood::Paused if cfg!(target_os = "macos") => include_image!("../icons/tray-paused-template.png"),
        Mood::Locked if cfg!(target_os = "macos") => include_image!("../icons/tray-locked-template.png"),
        Mood::Idle if light => include_image!("../icons/tray-light.png"),
        Mood::Attention if light => include_image!("../icons/tray-attention-light.png"),
        Mood::Paused if light => include_image!("../icons/tray-paused-light.png"),
        Mood::Locked if light => include_image!("../icons/tray-locked-light.png"),
        Mood::Idle => include_image!("../icons/tray-dark.png"),
        Mood::Attention => include_image!("../icons/tray-attention-dark.png"),
        Mood::Paused => include_image!("../icons/tray-paused-dark.png"),
        Mood::Locked => include_image!("../icons/tray-locked-dark.png"),
    }
}

/// The theme of the panel. No system tells it; that of the windows is the best guess, but GNOME's bar is always dark.
pub(super) fn panel(windows: Option<Theme>) -> Theme {
    let desktop = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
    let always_dark = desktop.split(':').any(|name| matches!(name, "GNOME" | "Unity"));
    windows.filter(|_| !always_dark).unwrap_or(Theme::Dark)
}
