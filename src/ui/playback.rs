//! Going through the epochs: playing, stepping, gliding.

mod epochs;
#[cfg(test)]
mod tests;

pub use self::epochs::Epochs;
use super::scene::motion::ease;
use crate::model::workspace::EpochSpan;

/// Recorded epochs that pass in a second at speed 1.
const RATE: f64 = 1.5;
/// Seconds that a step from one epoch to the next takes.
const GLIDE: f64 = 0.3;
/// Seconds that the last epoch stays before a loop begins anew.
const REST: f64 = 0.8;
/// Longest time step.
const MAX_STEP: f64 = 0.1;

/// The speeds to choose from.
pub const SPEEDS: [f64; 6] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0];

/// What is marked from one ordinal to another, in either order, each rounded to a recorded epoch; `None`
/// where that is one and the same.
fn between(a: f64, b: f64, epochs: &Epochs) -> Option<EpochSpan> {
    let recorded = |ordinal: f64| ordinal.round().clamp(0.0, epochs.last());
    let (a, b) = (recorded(a), recorded(b));
    (a != b).then(|| EpochSpan { first: epochs.number(a.min(b)), last: epochs.number(a.max(b)) })
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Glide {
    from: f64,
    to: f64,
    start: f64,
}

/// How the epochs go by.
#[derive(Clone, Debug, PartialEq)]
pub struct Playback {
    pub playing: bool,
    /// Factor on the usual pace.
    pub speed: f64,
    pub looping: bool,
    /// Whether it goes on to epochs that are recorded meanwhile, until a hand leads elsewhere.
    pub following: bool,
    /// Playing stays within it. Told by numbers, it stays where it is while epochs are added.
    pub marked: Option<EpochSpan>,
    glide: Option<Glide>,
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
    /// Starts, from the beginning when at the end or outside of the range that is marked, or pauses.
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

    /// The range that is marked, where these epochs have a part in it.
    pub fn range(&self, epochs: &Epochs) -> Option<EpochSpan> {
        let range = self.marked?;
        let ordinal = |number: f64| epochs.ordinal_of_number(number);
        between(ordinal(range.first), ordinal(range.last), epochs)
    }

    /// The ordinals between which playing goes on: those of the range that is marked, else all.
    pub fn bounds(&self, epochs: &Epochs) -> (f64, f64) {
        self.range(epochs).map_or((0.0, epochs.last()), |range| {
            (epochs.ordinal_of_number(range.first), epochs.ordinal_of_number(range.last))
        })
    }

    /// Marks what lies between two ordinals, in either order; nothing where they round to one epoch.
    pub fn mark(&mut self, from: f64, to: f64, epochs: &Epochs) {
        self.marked = between(from, to, epochs);
    }

    /// Marks from the epoch with this number on: to where the range ended, else to the last epoch.
    pub fn mark_from(&mut self, number: f64, epochs: &Epochs) {
        let from = epochs.ordinal_of_number(number).round();
        let (_, last) = self.bounds(epochs);
        self.mark(from, if from < last { last } else { epochs.last() }, epochs);
    }

    /// Marks up to the epoch with this number: from where the range began, else from the first epoch.
    pub fn mark_to(&mut self, number: f64, epochs: &Epochs) {
        let to = epochs.ordinal_of_number(number).round();
        let (first, _) = self.bounds(epochs);
        self.mark(if to > first { first } else { 0.0 }, to, epochs);
    }

    /// Goes to the newest epoch, and on to those that are yet to come.
    pub fn follow(&mut self) {
        self.playing = false;
        self.following = true;
    }

    /// Glides to the newest epoch, when it is to be followed and is not on its way there.
    pub fn catch_up(&mut self, epochs: &Epochs, number: f64, now: f64) {
        let from = epochs.ordinal_of_number(number);
        if self.following && self.glide.map_or(from, |glide| glide.to) != epochs.last() {
            self.glide = Some(Glide { from, to: epochs.last(), start: now });
        }
    }

    /// Takes note that there are other epochs than before, and which they are.
    pub fn renumber(&mut self, before: &Epochs, now: &Epochs) {
        let place = |ordinal: f64| now.ordinal_of_number(before.number(ordinal));
        self.glide = self.glide.map(|glide| Glide { from: place(glide.from), to: place(glide.to), ..glide });
    }

    /// What goes on, for the epochs `to`; here, over the epochs `from`, all stops.
    pub fn handed_over(&mut self, from: &Epochs, to: &Epochs) -> Self {
        let mut next = self.clone();
        next.renumber(from, to);
        next.playing &= to.last() > 0.0;
        self.hold();
        next
    }

    /// Glides `steps` epochs on (or back), from where the last glide was to end.
    pub fn step(&mut self, steps: i32, epochs: &Epochs, number: f64, now: f64) {
        let from = epochs.ordinal_of_number(number);
        let aim = self.glide.map_or(from, |glide| glide.to);
        let to = if steps < 0 { (aim - 1e-6).ceil() } else { (aim + 1e-6).floor() } + f64::from(steps);
        // Who follows and steps on is at the end already.
        let following = self.following && steps > 0;
        self.glide_to(to, epochs, number, now);
        self.following = following;
    }

    /// Glides to the epoch with this ordinal, and stays there.
    pub fn glide_to(&mut self, ordinal: f64, epochs: &Epochs, number: f64, now: f64) {
        self.playing = false;
        self.following = false;
        let from = epochs.ordinal_of_number(number);
        let to = ordinal.round().clamp(0.0, epochs.last());
        self.glide = Some(Glide { from, to, start: now });
    }

    /// Takes hold of the epoch: whatever went on stops.
    pub fn hold(&mut self) {
        self.playing = false;
        self.following = false;
        self.glide = None;
    }

    /// The epoch number at time `now`, `step` seconds after the last. With `cut`, steps do not glide.
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
        // What is marked may have changed since.
        let ordinal = epochs.ordinal_of_number(number).max(first) + step * RATE * self.speed;
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

    /// Whether the epoch changes by itself, so that another frame is wanted.
    pub fn is_moving(&self) -> bool {
        self.playing || self.glide.is_some()
    }
}
