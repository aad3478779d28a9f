//! What is remembered from one window to the next: where panels stand, how they look, which runs were
//! open. A convenience: what cannot be read or written is left alone.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::Theme;
use crate::ui::dock::DockLayout;

/// Most runs that are remembered.
const RECENT: usize = 20;
/// No larger file is read.
const LARGEST: u64 = 1 << 20;

/// Settings, as they are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub arrangement: DockLayout,
    pub theme: Theme,
    pub reduced_motion: bool,
    /// Factor on the size of everything in panels.
    pub zoom: f32,
    /// Paths of runs that were open, the latest first.
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
    /// Those of the person, or, where there are none that can be read, the ones to begin with.
    pub fn load() -> Self {
        file().and_then(|path| Self::read(&path)).unwrap_or_default()
    }

    fn read(path: &Path) -> Option<Self> {
        if std::fs::metadata(path).ok()?.len() > LARGEST {
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
        settings.recent.truncate(RECENT);
        Some(settings)
    }

    /// Stores them, whole or not at all.
    pub fn save(&self) {
        let Some(path) = file() else { return };
        if let Err(error) = self.write(&path) {
            log::warn!("the settings are not remembered: {error}");
        }
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Takes note that a run was opened.
    pub fn opened(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.recent.retain(|other| *other != path);
        self.recent.insert(0, path);
        self.recent.truncate(RECENT);
    }
}

/// Where they are: `dnnviz/settings.json` in the person's folder of settings.
fn file() -> Option<PathBuf> {
    Some(dirs::config_dir()?.join("dnnviz").join("settings.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::dock::Pane;

    #[test]
    fn settings_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inner").join("settings.json");
        let mut settings = Settings { zoom: 1.5, theme: Theme::Light, ..Settings::default() };
        settings.arrangement.toggle(Pane::Layers);
        settings.opened(Path::new("/runs/one"));
        settings.opened(Path::new("/runs/two"));
        settings.opened(Path::new("/runs/one"));
        assert_eq!(settings.recent, [Path::new("/runs/one"), Path::new("/runs/two")]);
        settings.write(&path).unwrap();
        assert_eq!(Settings::read(&path), Some(settings));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn what_cannot_be_used_is_left_aside() {
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
        let lacking = whole.replace("\"layers\"", "\"unit\"");
        assert_ne!(lacking, whole);
        assert_eq!(read(&lacking).unwrap().arrangement, DockLayout::default(), "a panel twice");
    }
}
