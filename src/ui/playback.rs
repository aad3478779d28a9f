//! Going through the epochs: playing, stepping, gliding.

use super::motion::ease;
use crate::model::{EpochPosition, Recording};

/// Recorded epochs that pass in a second at speed 1.
const RATE: f64 = 1.5;
/// Seconds that a step from one epoch to the next takes.
const GLIDE: f64 = 0.3;
/// Seconds that the last epoch stays before a loop begins anew.
const REST: f64 = 0.8;
/// Longest time step.
const MAX_STEP: f64 = 0.1;

/// The speeds to choose from.
pub const SPEEDS: [f64; 4] = [0.5, 1.0, 2.0, 4.0];

/// The readable epochs of a recording, and the three ways to count them: by *number*, as recorded;
/// by *place*, an index into [`Recording::epochs`]; by *ordinal*, an index into the readable ones.
/// All three are continuous: a fraction lies between two epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct Epochs {
    readable: Vec<usize>,
    numbers: Vec<f64>,
}

impl Epochs {
    pub fn new(recording: &Recording) -> Self {
        Self {
            readable: (0..recording.epochs.len()).filter(|&index| !recording.epochs[index].damaged).collect(),
            numbers: recording.epochs.iter().map(|epoch| epoch.number as f64).collect(),
        }
    }

    /// Places of the readable epochs.
    pub fn readable(&self) -> &[usize] {
        &self.readable
    }

    /// The last ordinal.
    pub fn last(&self) -> f64 {
        self.readable.len().saturating_sub(1) as f64
    }

    /// Where `ordinal` lies between two readable epochs; `None` when no epoch is readable.
    pub fn position(&self, ordinal: f64) -> Option<EpochPosition> {
        let ordinal = ordinal.clamp(0.0, self.last());
        let below = ordinal.floor() as usize;
        let from = *self.readable.get(below)?;
        let t = (ordinal - below as f64) as f32;
        Some(match self.readable.get(below + 1) {
            Some(&to) if t > 0.0 => EpochPosition { from, to, t },
            _ => EpochPosition::at(from),
        })
    }

    pub fn number(&self, ordinal: f64) -> f64 {
        self.mixed(ordinal, |place| self.numbers[place])
    }

    pub fn place(&self, ordinal: f64) -> f64 {
        self.mixed(ordinal, |place| place as f64)
    }

    pub fn ordinal_of_number(&self, number: f64) -> f64 {
        self.sought(number, |place| self.numbers[place])
    }

    pub fn ordinal_of_place(&self, place: f64) -> f64 {
        self.sought(place, |place| place as f64)
    }

    fn mixed(&self, ordinal: f64, value: impl Fn(usize) -> f64) -> f64 {
        self.position(ordinal)
            .map_or(0.0, |at| value(at.from) + f64::from(at.t) * (value(at.to) - value(at.from)))
    }

    fn sought(&self, wanted: f64, value: impl Fn(usize) -> f64) -> f64 {
        let above = self.readable.partition_point(|&place| value(place) <= wanted);
        let Some(below) = above.checked_sub(1) else { return 0.0 };
        match self.readable.get(above) {
            Some(&next) => {
                let from = value(self.readable[below]);
                below as f64 + (wanted - from) / (value(next) - from)
            }
            None => self.last(),
        }
    }
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
    glide: Option<Glide>,
    rested: f64,
}

impl Default for Playback {
    fn default() -> Self {
        Self { playing: false, speed: 1.0, looping: true, following: true, glide: None, rested: 0.0 }
    }
}

impl Playback {
    /// Starts, from the beginning when at the end, or pauses.
    pub fn toggle(&mut self, epochs: &Epochs, number: &mut f64) {
        self.glide = None;
        self.rested = 0.0;
        self.playing = !self.playing && epochs.last() > 0.0;
        self.following &= !self.playing;
        if self.playing && epochs.ordinal_of_number(*number) >= epochs.last() {
            *number = epochs.number(0.0);
        }
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
        let ordinal = epochs.ordinal_of_number(number) + step * RATE * self.speed;
        if ordinal < epochs.last() {
            self.rested = 0.0;
            return epochs.number(ordinal);
        }
        self.rested += step;
        if !self.looping {
            self.playing = false;
        } else if self.rested > REST {
            self.rested = 0.0;
            return epochs.number(0.0);
        }
        epochs.number(epochs.last())
    }

    /// Whether the epoch changes by itself, so that another frame is wanted.
    pub fn is_moving(&self) -> bool {
        self.playing || self.glide.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing;

    /// Epochs 0, 2, 4 (damaged), 6, 7.
    fn epochs() -> Epochs {
        let mut recording = testing::recording();
        for (index, number) in [0, 2, 4, 6, 7].into_iter().enumerate() {
            recording.epochs[index].number = number;
        }
        recording.epochs[2].damaged = true;
        Epochs::new(&recording)
    }

    #[test]
    fn the_three_ways_to_count_agree() {
        let epochs = epochs();
        assert_eq!(epochs.readable(), [0, 1, 3, 4]);
        assert_eq!(epochs.last(), 3.0);
        assert_eq!((epochs.number(1.5), epochs.place(1.5)), (4.0, 2.0));
        assert_eq!(epochs.ordinal_of_number(4.0), 1.5);
        assert_eq!(epochs.ordinal_of_place(2.0), 1.5);
        assert_eq!(epochs.position(1.5), Some(EpochPosition { from: 1, to: 3, t: 0.5 }));
        assert_eq!(epochs.position(99.0), Some(EpochPosition::at(4)));
        for number in [0.0, 0.7, 2.0, 5.0, 6.5, 7.0] {
            assert!((epochs.number(epochs.ordinal_of_number(number)) - number).abs() < 1e-6);
        }
    }

    #[test]
    fn playing_flows_at_its_speed_and_loops_after_a_rest() {
        let epochs = epochs();
        let mut playback = Playback { speed: 2.0, ..Playback::default() };
        let mut number = 0.0;
        playback.toggle(&epochs, &mut number);
        for _ in 0..10 {
            number = playback.update(&epochs, number, 0.0, 0.05, false);
        }
        let expected = epochs.number(0.5 * RATE * 2.0);
        assert!((number - expected).abs() < 1e-6, "{number} is not {expected}");
        let mut seen = Vec::new();
        for _ in 0..60 {
            number = playback.update(&epochs, number, 0.0, 0.05, false);
            seen.push(number);
        }
        let first_end = seen.iter().position(|&n| n == 7.0).expect("the last epoch is shown");
        let back = seen.iter().position(|&n| n == 0.0).expect("and then the first again");
        assert!(back - first_end >= (REST / 0.05) as usize - 1, "after a rest");
        assert!(playback.playing);
    }

    #[test]
    fn without_loop_it_stops_at_the_end_and_starts_anew() {
        let epochs = epochs();
        let mut playback = Playback { looping: false, ..Playback::default() };
        let mut number = 6.5;
        playback.toggle(&epochs, &mut number);
        for _ in 0..20 {
            number = playback.update(&epochs, number, 0.0, 0.1, false);
        }
        assert_eq!((number, playback.playing), (7.0, false));
        playback.toggle(&epochs, &mut number);
        assert_eq!((number, playback.playing), (0.0, true));
    }

    #[test]
    fn what_a_hand_does_ends_following_and_stepping_on_does_not() {
        let epochs = epochs();
        type Act = fn(&mut Playback, &Epochs);
        let acts: [(&str, bool, Act); 5] = [
            ("step on", true, |playback, epochs| playback.step(1, epochs, 7.0, 0.0)),
            ("step back", false, |playback, epochs| playback.step(-1, epochs, 7.0, 0.0)),
            ("scrub", false, |playback, _| playback.hold()),
            ("let go", false, |playback, epochs| playback.glide_to(3.0, epochs, 7.0, 0.0)),
            ("play", false, |playback, epochs| playback.toggle(epochs, &mut 7.0)),
        ];
        for (what, follows, act) in acts {
            let mut playback = Playback::default();
            act(&mut playback, &epochs);
            assert_eq!(playback.following, follows, "{what}");
            playback.follow();
            assert!(playback.following && !playback.playing, "{what}");
        }
    }

    #[test]
    fn a_glide_goes_on_among_more_epochs() {
        let before = epochs();
        let mut recording = testing::recording();
        for (index, number) in [0, 2, 4, 6, 7].into_iter().enumerate() {
            recording.epochs[index].number = number;
        }
        recording.epochs.push(crate::model::Epoch { number: 9, ..Default::default() });
        let mut playback = Playback::default();
        playback.step(-1, &before, 7.0, 0.0);
        // Epoch 4 has become readable, so that ordinals shift, and 9 is new.
        let now = Epochs::new(&recording);
        playback.renumber(&before, &now);
        assert_eq!(playback.update(&now, 7.0, 1.0, 0.01, false), 6.0, "where it was to end");
        playback.follow();
        playback.catch_up(&now, 6.0, 1.0);
        assert!(playback.update(&now, 6.0, 1.0 + GLIDE / 2.0, 0.01, false) > 6.0);
        assert_eq!(playback.update(&now, 7.0, 2.0, 0.01, false), 9.0);
        playback.catch_up(&now, 9.0, 2.0);
        assert!(!playback.is_moving(), "it is there");
    }

    #[test]
    fn steps_glide_to_the_next_recorded_epoch_and_add_up() {
        let epochs = epochs();
        let mut playback = Playback::default();
        playback.step(1, &epochs, 2.0, 10.0);
        playback.step(1, &epochs, 2.0, 10.0);
        let half = playback.update(&epochs, 2.0, 10.0 + GLIDE / 2.0, 0.01, false);
        assert!(half > 2.0 && half < 7.0);
        assert_eq!(playback.update(&epochs, half, 11.0, 0.01, false), 7.0);
        assert!(!playback.is_moving());
        playback.step(-1, &epochs, 3.1, 20.0);
        assert_eq!(playback.update(&epochs, 3.1, 20.0, 0.01, true), 2.0, "back to the one before");
    }
}
