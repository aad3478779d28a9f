//! Playing, stepping, following, and the marked range.

use super::*;
use crate::model::{EpochIndex, EpochPosition};
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
    assert_eq!(epochs.readable(), [0, 1, 3, 4].map(EpochIndex));
    assert_eq!(epochs.last(), 3.0);
    assert_eq!((epochs.number(1.5), epochs.place(1.5)), (4.0, 2.0));
    assert_eq!(epochs.ordinal_of_number(4.0), 1.5);
    assert_eq!(epochs.ordinal_of_place(2.0), 1.5);
    assert_eq!(epochs.position(1.5), Some(EpochPosition { from: EpochIndex(1), to: EpochIndex(3), t: 0.5 }));
    assert_eq!(epochs.position(99.0), Some(EpochPosition::at(EpochIndex(4))));
    for number in [0.0, 0.7, 2.0, 5.0, 6.5, 7.0] {
        assert!((epochs.number(epochs.ordinal_of_number(number)) - number).abs() < 1e-6);
    }
}

#[test]
fn playing_keeps_its_speed_and_loops_after_a_pause() {
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
fn without_loop_playing_stops_at_the_end_and_restarts() {
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
fn user_actions_end_following_except_a_step_forward() {
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
fn a_glide_continues_after_epochs_were_added() {
    let before = epochs();
    let mut recording = testing::recording();
    for (index, number) in [0, 2, 4, 6, 7].into_iter().enumerate() {
        recording.epochs[index].number = number;
    }
    recording.epochs.push(crate::model::Epoch { number: 9, ..Default::default() });
    let mut playback = Playback::default();
    playback.step(-1, &before, 7.0, 0.0);
    // Epoch 4 has become readable, which shifts the ordinals, and 9 is new.
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

/// Plays for `seconds` from `number` on; returns the lowest and the highest number reached.
fn played(playback: &mut Playback, epochs: &Epochs, mut number: f64, seconds: f64) -> (f64, f64) {
    let mut seen = (f64::INFINITY, f64::NEG_INFINITY);
    for _ in 0..(seconds / 0.05) as usize {
        number = playback.update(epochs, number, 0.0, 0.05, false);
        seen = (seen.0.min(number), seen.1.max(number));
    }
    seen
}

#[test]
fn playing_and_looping_stay_in_the_marked_range() {
    let epochs = epochs();
    let mut playback = Playback { speed: 4.0, ..Playback::default() };
    playback.mark_from(2.0, &epochs);
    assert_eq!(playback.range(&epochs), Some(EpochSpan { first: 2.0, last: 7.0 }));
    playback.mark_to(6.2, &epochs);
    assert_eq!(playback.range(&epochs), Some(EpochSpan { first: 2.0, last: 6.0 }), "a recorded epoch");
    for outside in [0.0, 6.0, 7.0] {
        let mut number = outside;
        playback.playing = false;
        playback.toggle(&epochs, &mut number);
        assert_eq!(number, 2.0, "from its beginning");
        assert_eq!(played(&mut playback, &epochs, number, 6.0), (2.0, 6.0));
        assert!(playback.playing, "over and over");
    }
    playback.looping = false;
    played(&mut playback, &epochs, 2.0, 6.0);
    assert!(!playback.playing, "or once");
    playback.marked = None;
    playback.looping = true;
    playback.toggle(&epochs, &mut 7.0);
    assert_eq!(played(&mut playback, &epochs, 0.1, 6.0), (0.0, 7.0));
}

#[test]
fn a_mark_beyond_the_other_end_starts_a_new_range() {
    let epochs = epochs();
    let numbers = |playback: &Playback| playback.range(&epochs).map(|range| (range.first, range.last));
    let mut playback = Playback::default();
    playback.mark(1.0, 0.0, &epochs);
    assert_eq!(numbers(&playback), Some((0.0, 2.0)), "in either order");
    playback.mark_from(6.0, &epochs);
    assert_eq!(numbers(&playback), Some((6.0, 7.0)));
    playback.mark_to(2.0, &epochs);
    assert_eq!(numbers(&playback), Some((0.0, 2.0)));
    playback.mark_from(7.0, &epochs);
    assert_eq!(numbers(&playback), None);
    playback.mark(0.2, 0.3, &epochs);
    assert_eq!(numbers(&playback), None);
}

#[test]
fn a_range_keeps_its_numbers_when_the_epochs_change() {
    let before = epochs();
    let mut playback = Playback::default();
    playback.mark(1.0, 2.0, &before);
    let mut recording = testing::recording();
    recording.epochs.iter_mut().zip([0, 2, 4, 6, 7]).for_each(|(epoch, number)| epoch.number = number);
    let more = Epochs::new(&recording);
    assert_eq!(playback.bounds(&more), (1.0, 3.0), "epoch 4 has become readable");
    recording.epochs.truncate(2);
    let few = Epochs::new(&recording);
    assert_eq!((playback.range(&few), playback.bounds(&few)), (None, (0.0, 1.0)));
    assert!(playback.range(&before).is_some(), "and is not forgotten");
}

#[test]
fn the_best_epoch_is_readable() {
    let mut recording = testing::recording();
    assert_eq!(Epochs::new(&recording).best(), Some(4.0), "the highest accuracy");
    recording.epochs[4].damaged = true;
    recording.epochs[1].damaged = true;
    assert_eq!(Epochs::new(&recording).best(), Some(2.0), "of those that can be read");
    recording.epochs.iter_mut().for_each(|epoch| epoch.accuracy = None);
    assert_eq!(Epochs::new(&recording).best(), None);
}
