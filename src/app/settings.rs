//! The settings of a user, which are stored between windows: panels, theme, zoom, recent runs. Settings that
//! cannot be read or written are ignored, with a warning in the log.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files;
use crate::model::Theme;
use crate::ui::dock::DockLayout;

/// Greatest number of recent runs.
const MAX_RECENT: usize = 20;
/// Greatest size of a settings file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The settings, in the form in which they are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The arrangement of the panels.
    pub arrangement: DockLayout,
    /// The theme of the window.
    pub theme: Theme,
    /// Show no animations.
    pub reduced_motion: bool,
    /// Factor on the size of text and controls.
    pub zoom: f32,
    /// Absolute paths of the runs that were opened, the latest first.
    pub recent: Vec<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            arrangement: DockLayout::default(),
            theme: Theme::default(),
            reduced_motion: false,
            zoom: 1.0,
            recent: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads the settings of the user; the defaults if there are none or they cannot be read.
    pub fn load() -> Self {
        settings_path().and_then(|path| Self::read(&path)).unwrap_or_default()
    }

    fn read(path: &Path) -> Option<Self> {
        if std::fs::metadata(path).ok()?.len() > MAX_BYTES {
            return None;
        }
        let text = std::fs::read_to_string(path).ok()?;
        let mut settings: Self = serde_json::from_str(&text)
            .inspect_err(|error| log::warn!("{} is left aside: {error}", path.display()))
            .ok()?;
        if !settings.arrangement.is_whole() {
            settings.arrangement = DockLayout::default();
        }
        settings.zoom = if settings.zoom.is_finite() { settings.zoom.clamp(0.4, 4.0) } else { 1.0 };
        settings.recent.truncate(MAX_RECENT);
        Some(settings)
    }

    /// Stores the settings, completely or not at all.
    pub fn save(&self) {
        let Some(path) = settings_path() else { return };
        if let Err(error) = self.write(&path) {
            log::warn!("the settings are not remembered: {error}");
        }
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        files::write(path, true, |out| Ok(serde_json::to_writer_pretty(out, self)?))
    }

    /// Adds a run that was opened to the recent ones.
    pub fn add_recent(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.recent.retain(|other| *other != path);
        self.recent.insert(0, path);
        self.recent.truncate(MAX_RECENT);
    }
}

/// The path of the settings file: `dnnviz/settings.json` in the user's configuration folder.
fn settings_path() -> Option<PathBuf> {
    Some(dirs::config_dir()?.join("dnnviz").join("settings.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::dock::Pane;

    #[test]
    fn settings_are_read_as_they_were_stored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inner").join("settings.json");
        let mut settings = Settings { zoom: 1.5, theme: Theme::Light, ..Settings::default() };
        settings.arrangement.toggle(Pane::Layers);
        settings.add_recent(Path::new("/runs/one"));
        settings.add_recent(Path::new("/runs/two"));
        settings.add_recent(Path::new("/runs/one"));
        assert_eq!(settings.recent, [Path::new("/runs/one"), Path::new("/runs/two")]);
        settings.write(&path).unwrap();
        assert_eq!(Settings::read(&path), Some(settings));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn invalid_settings_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Settings::read(&path)
        };
        assert_eq!(read("{"), None);
        assert_eq!(read("{\"theme\": \"purple\"}"), None);
        assert_eq!(read("{}"), Some(Settings::default()));
        assert_eq!(read("{\"zoom\": 1e9}").unwrap().zoom, 4.0);
        let whole = serde_json::to_string(&Settings::default()).unwrap();
        let duplicate = whole.replace("\"layers\"", "\"unit\"");
        assert_ne!(duplicate, whole);
        assert_eq!(read(&duplicate).unwrap().arrangement, DockLayout::default(), "a panel twice");
    }
}
