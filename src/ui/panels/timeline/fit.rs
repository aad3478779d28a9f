//! Layout of the timeline's controls by width: with decreasing width, first texts and then controls are left
//! out. Controls never overlap.

/// Space between two controls, in points.
pub(super) const GAP: f32 = 4.0;
/// Space on either side of the slider, in points.
pub(super) const AROUND: f32 = 12.0;
/// Width of the badge with its text, in points.
pub(super) const BADGE: f32 = 52.0;
/// Width of the epoch's text with its metrics, in points.
pub(super) const READING: f32 = 124.0;
/// Width of an icon and the gap after it, in points.
const ICON: f32 = 28.0 + GAP;
/// Width of the choice of speeds and the gap after it, in points.
const SPEED: f32 = 76.0 + GAP;
/// Minimum useful width of the slider, in points.
const SLIDER: f32 = 200.0;

/// The visible parts and their widths.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TimelineFit {
    /// Buttons to the first, the last and the best epoch.
    pub(super) jumps: bool,
    /// Width of the "live" badge, in points.
    pub(super) badge: Option<f32>,
    /// Width of the text of the current epoch, in points.
    pub(super) reading: Option<f32>,
    /// The choice of speeds.
    pub(super) speed: bool,
    /// The button that repeats playback.
    pub(super) looping: bool,
    /// Width of the slider, in points.
    pub(super) slider: f32,
}

impl TimelineFit {
    /// Returns the layout with the most parts that leaves the slider its minimum in `width` points, else
    /// that with the fewest.
    pub(super) fn of(width: f32, live: bool) -> Self {
        let badge = |width: f32| live.then_some(width);
        let rich = Self {
            jumps: true,
            badge: badge(BADGE),
            reading: Some(READING),
            speed: true,
            looping: true,
            slider: 0.0,
        };
        let short = Self { badge: badge(28.0), reading: Some(72.0), ..rich };
        let quiet = Self { reading: None, ..short };
        let plain = Self { jumps: false, ..quiet };
        let slow = Self { speed: false, ..plain };
        let bare = Self { looping: false, ..slow };
        let fits = [rich, short, quiet, plain, slow].into_iter();
        let chosen = fits.map(|fit| fit.within(width)).find(|fit| fit.slider >= SLIDER);
        chosen.unwrap_or_else(|| bare.within(width))
    }

    fn within(self, width: f32) -> Self {
        let icons = 3 + if self.jumps { 3 } else { 0 } + usize::from(self.looping);
        let taken = icons as f32 * ICON
            + 2.0 * AROUND
            + self.badge.map_or(0.0, |badge| badge + 2.0 * GAP)
            + self.reading.map_or(0.0, |reading| reading + GAP)
            + if self.speed { SPEED } else { 0.0 };
        Self { slider: (width - taken).max(40.0), ..self }
    }
}
