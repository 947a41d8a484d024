//! Planted words that must not be found where no secret may be.

use std::fs;
use std::path::Path;

/// The files under a folder that hold one of these words.
pub fn files_holding(folder: &Path, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            found.extend(files_holding(&path, words));
        } else if kind.is_file() {
            let content = fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&content);
            if words.iter().any(|word| text.contains(word)) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}
