//! Playing, stepping and gliding through the epochs.

mod epochs;
#[cfg(test)]
mod tests;

pub use self::epochs::Epochs;
use super::scene::motion::ease;
use crate::model::workspace::EpochSpan;

/// Least number of epochs per second at speed 1.
const RATE: f64 = 1.5;
/// Longest time that a whole training takes at speed 1, in seconds.
const LONGEST: f64 = 30.0;
/// Duration of a step from one epoch to the next, in seconds.
const GLIDE: f64 = 0.3;
/// Pause at the last epoch before a loop starts again, in seconds.
const REST: f64 = 0.8;
/// Longest time step, in seconds.
const MAX_STEP: f64 = 0.1;

/// Returns the number of epochs per second at speed 1.
pub fn rate(epochs: &Epochs) -> f64 {
    RATE.max(epochs.last() / LONGEST)
}

/// Returns the speeds to choose from: [`SPEEDS`] and, of a long training, one at which its epochs can be followed
/// one by one.
pub fn speeds(epochs: &Epochs) -> Vec<f64> {
    let leisurely = RATE / rate(epochs);
    let slower = (leisurely < SPEEDS[0]).then_some(leisurely);
    slower.into_iter().chain(SPEEDS).collect()
}

/// The speeds to choose from.
pub const SPEEDS: [f64; 6] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0];

/// Returns the range between two ordinals, in either order, each rounded to a recorded epoch; `None` if
/// both round to the same one.
fn between(a: f64, b: f64, epochs: &Epochs) -> Option<EpochSpan> {
    let recorded = |ordinal: f64| ordinal.round().clamp(0.0, epochs.last());
    let (a, b) = (recorded(a), recorded(b));
    (a != b).then(|| EpochSpan { first: epochs.number(a.min(b)), last: epochs.number(a.max(b)) })
}

/// An animated move from one ordinal to another.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Glide {
    from: f64,
    to: f64,
    /// Time of the start, in seconds.
    start: f64,
}

/// The state of playing, stepping and following.
#[derive(Clone, Debug, PartialEq)]
pub struct Playback {
    /// The epoch advances with time.
    pub playing: bool,
    /// Factor of the speed at which epochs pass.
    pub speed: f64,
    /// Playback starts again after its last epoch.
    pub looping: bool,
    /// The view follows the newest epoch, until the user chooses another.
    pub following: bool,
    /// The range that playback stays in. It is stored as epoch numbers, so that it stays the same while
    /// epochs are added.
    pub marked: Option<EpochSpan>,
    glide: Option<Glide>,
    /// Time since playback reached its last epoch, in seconds.
    rested: f64,
}

impl Default for Playback {
    fn default() -> Self {
        Self {
            playing: false,
            speed: 1.0,
            looping: true,
            following: true,
            marked: None,
            glide: None,
            rested: 0.0,
        }
    }
}

impl Playback {
    /// Starts or pauses. Starts from the first epoch if the current one is the last or outside the marked
    /// range.
    pub fn toggle(&mut self, epochs: &Epochs, number: &mut f64) {
        self.glide = None;
        self.rested = 0.0;
        self.playing = !self.playing && epochs.last() > 0.0;
        self.following &= !self.playing;
        let (first, last) = self.bounds(epochs);
        let ordinal = epochs.ordinal_of_number(*number);
        if self.playing && (ordinal < first || ordinal >= last) {
            *number = epochs.number(first);
        }
    }

    /// Returns the marked range, as far as these epochs are in it.
    pub fn range(&self, epochs: &Epochs) -> Option<EpochSpan> {
        let range = self.marked?;
        let ordinal = |number: f64| epochs.ordinal_of_number(number);
        between(ordinal(range.first), ordinal(range.last), epochs)
    }

    /// Returns the first and the last ordinal that playback visits: those of the marked range, else of all
    /// epochs.
    pub fn bounds(&self, epochs: &Epochs) -> (f64, f64) {
        self.range(epochs).map_or((0.0, epochs.last()), |range| {
            (epochs.ordinal_of_number(range.first), epochs.ordinal_of_number(range.last))
        })
    }

    /// Marks the range between two ordinals, in either order; clears it if they round to one epoch.
    pub fn mark(&mut self, from: f64, to: f64, epochs: &Epochs) {
        self.marked = between(from, to, epochs);
    }

    /// Marks a range from this epoch number to the end of the marked range, else to the last epoch.
    pub fn mark_from(&mut self, number: f64, epochs: &Epochs) {
        let from = epochs.ordinal_of_number(number).round();
        let (_, last) = self.bounds(epochs);
        self.mark(from, if from < last { last } else { epochs.last() }, epochs);
    }

    /// Marks a range from the start of the marked range, else from the first epoch, to this epoch number.
    pub fn mark_to(&mut self, number: f64, epochs: &Epochs) {
        let to = epochs.ordinal_of_number(number).round();
        let (first, _) = self.bounds(epochs);
        self.mark(if to > first { first } else { 0.0 }, to, epochs);
    }

    /// Follows the newest epoch from now on.
    pub fn follow(&mut self) {
        self.playing = false;
        self.following = true;
    }

    /// Starts a glide to the newest epoch if it is followed and is not the target of a glide already.
    pub fn catch_up(&mut self, epochs: &Epochs, number: f64, now: f64) {
        let from = epochs.ordinal_of_number(number);
        if self.following && self.glide.map_or(from, |glide| glide.to) != epochs.last() {
            self.glide = Some(Glide { from, to: epochs.last(), start: now });
        }
    }

    /// Adjusts ordinals after the list of epochs changed.
    pub fn renumber(&mut self, before: &Epochs, now: &Epochs) {
        let place = |ordinal: f64| now.ordinal_of_number(before.number(ordinal));
        self.glide = self.glide.map(|glide| Glide { from: place(glide.from), to: place(glide.to), ..glide });
    }

    /// Returns the playback for the epochs `to` of another column, and stops this one, whose epochs are
    /// `from`.
    pub fn handed_over(&mut self, from: &Epochs, to: &Epochs) -> Self {
        let mut next = self.clone();
        next.renumber(from, to);
        next.playing &= to.last() > 0.0;
        self.hold();
        next
    }

    /// Glides `steps` epochs forward (or back), from the target of the current glide.
    pub fn step(&mut self, steps: i32, epochs: &Epochs, number: f64, now: f64) {
        let from = epochs.ordinal_of_number(number);
        let aim = self.glide.map_or(from, |glide| glide.to);
        let to = if steps < 0 { (aim - 1e-6).ceil() } else { (aim + 1e-6).floor() } + f64::from(steps);
        // A step forward while following is already at the last epoch.
        let following = self.following && steps > 0;
        self.glide_to(to, epochs, number, now);
        self.following = following;
    }

    /// Glides to an ordinal, and stays there.
    pub fn glide_to(&mut self, ordinal: f64, epochs: &Epochs, number: f64, now: f64) {
        self.playing = false;
        self.following = false;
        let from = epochs.ordinal_of_number(number);
        let to = ordinal.round().clamp(0.0, epochs.last());
        self.glide = Some(Glide { from, to, start: now });
    }

    /// Stops playing, gliding and following.
    pub fn hold(&mut self) {
        self.playing = false;
        self.following = false;
        self.glide = None;
    }

    /// Returns the epoch number at time `now`, `step` seconds after the last call. With `cut`, glides jump
    /// to their end.
    pub fn update(&mut self, epochs: &Epochs, number: f64, now: f64, step: f64, cut: bool) -> f64 {
        if let Some(glide) = self.glide {
            let t = if cut { 1.0 } else { (now - glide.start) / GLIDE };
            if t >= 1.0 {
                self.glide = None;
                return epochs.number(glide.to);
            }
            return epochs.number(glide.from + (glide.to - glide.from) * f64::from(ease(t as f32)));
        }
        if !self.playing {
            return number;
        }
        let step = step.min(MAX_STEP);
        let (first, last) = self.bounds(epochs);
        // The marked range may have changed since the last call.
        let ordinal = epochs.ordinal_of_number(number).max(first) + step * rate(epochs) * self.speed;
        if ordinal < last {
            self.rested = 0.0;
            return epochs.number(ordinal);
        }
        self.rested += step;
        if !self.looping {
            self.playing = false;
        } else if self.rested > REST {
            self.rested = 0.0;
            return epochs.number(first);
        }
        epochs.number(last)
    }

    /// Returns `true` if the epoch changes by itself, so that another frame is needed.
    pub fn is_moving(&self) -> bool {
        self.playing || self.glide.is_some()
    }
}
