//! Answers come for what is asked, and for nothing else.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{InsightCache, InsightRequest, InsightResponse};
use crate::insight::testing::{Made, noise};
use crate::model::{EpochIndex, LayerIndex, Source, UnitIndex};

const PATIENCE: Duration = Duration::from_secs(20);

fn made(epochs: usize) -> Made {
    let labels: Vec<Option<usize>> = (0..12).map(|input| Some(input % 3)).collect();
    let value = |epoch: usize, input: usize, layer: usize, unit: usize| {
        noise(((epoch * 20 + input) * 5 + layer) * 9 + unit)
    };
    let mut made = Made::new(&[4, 6], &["a", "b", "c"], &labels, epochs, value);
    made.predictions = Some(vec![Some(1); 12]);
    made
}

fn answers(source: Arc<dyn Source>) -> (InsightCache, Receiver<InsightResponse>) {
    let (send, received) = channel();
    let send = Mutex::new(send);
    let tell = move |answered| {
        let _ = send.lock().expect("no test failed").send(answered);
    };
    (InsightCache::new(source, Box::new(tell)), received)
}

fn biography(layer: usize, unit: usize, epoch: u64) -> InsightRequest {
    InsightRequest::UnitProfile { layer: LayerIndex(layer), unit: UnitIndex(unit), epoch }
}

/// Takes as many answers as there are questions, and returns these in their order.
fn take(
    answers: &mut InsightCache,
    received: &Receiver<InsightResponse>,
    count: usize,
) -> Vec<InsightRequest> {
    let next = |_| {
        let answered = received.recv_timeout(PATIENCE).expect("an answer");
        let question = answered.request;
        answers.insert(answered);
        question
    };
    (0..count).map(next).collect()
}

#[track_caller]
fn assert_quiet(received: &Receiver<InsightResponse>) {
    let more = received.recv_timeout(Duration::from_millis(100));
    assert!(more.is_err(), "{more:?}");
}

#[test]
fn what_is_asked_is_answered_in_its_order_and_once() {
    let (mut answers, received) = answers(Arc::new(made(3)));
    let asked = vec![
        InsightRequest::Predictions { epoch: 20 },
        biography(1, 5, 20),
        InsightRequest::LayerStats { epoch: 20 },
    ];
    answers.request(asked.clone());
    assert_eq!(take(&mut answers, &received, 3), asked);
    let found = answers.unit_profile(LayerIndex(1), UnitIndex(5), 20).expect("answered").expect("a unit");
    assert_eq!(
        (found.layer, found.unit, found.epoch, found.history.len()),
        (LayerIndex(1), UnitIndex(5), EpochIndex(2), 3)
    );
    assert_eq!(answers.layer_stats(20).map(<[_]>::len), Some(2));
    assert_eq!(answers.predictions(20), Some([Some(1); 12].as_slice()));
    assert!(
        answers.layer_stats(10).is_none() && answers.unit_profile(LayerIndex(1), UnitIndex(5), 10).is_none()
    );
    // Of another epoch only what is new is asked; the last that is known stays at hand.
    answers.request(vec![biography(1, 5, 20), biography(1, 5, 10), InsightRequest::LayerStats { epoch: 20 }]);
    assert_eq!(take(&mut answers, &received, 1), [biography(1, 5, 10)]);
    assert_eq!(
        answers.latest_profile(LayerIndex(1), UnitIndex(5)).map(|last| last.epoch),
        Some(EpochIndex(1))
    );
    assert_eq!(answers.latest_layer_stats().map(|(epoch, _)| epoch), Some(20));
    answers.request(asked);
    assert_quiet(&received);
}

#[test]
fn what_cannot_be_answered_says_why() {
    let (mut answers, received) = answers(Arc::new(made(2)));
    answers.request(vec![biography(0, 4, 10), InsightRequest::LayerStats { epoch: 50 }]);
    take(&mut answers, &received, 2);
    let reason =
        answers.unit_profile(LayerIndex(0), UnitIndex(4), 10).expect("answered").expect_err("no such unit");
    assert!(reason.contains("unit 4"), "{reason}");
    let reason = answers
        .result(InsightRequest::LayerStats { epoch: 50 })
        .expect("answered")
        .expect_err("no such epoch");
    assert!(reason.contains("50"), "{reason}");
}

#[test]
fn lives_go_on_when_epochs_come() {
    let (mut answers, received) = answers(Arc::new(made(2)));
    let asked = vec![biography(0, 1, 10), InsightRequest::LayerStats { epoch: 10 }];
    answers.request(asked.clone());
    take(&mut answers, &received, 2);
    answers.continue_with(Arc::new(made(5)));
    let length = |answers: &InsightCache| {
        answers
            .unit_profile(LayerIndex(0), UnitIndex(1), 10)
            .expect("answered")
            .expect("a unit")
            .history
            .len()
    };
    assert_eq!(length(&answers), 2, "what was told stays until there is more");
    answers.request(asked);
    assert_eq!(take(&mut answers, &received, 1), [biography(0, 1, 10)], "facts of an epoch stay true");
    assert_eq!(length(&answers), 5);
    assert_quiet(&received);
}

#[test]
fn answers_about_what_was_there_before_are_dropped() {
    let (mut answers, received) = answers(Arc::new(made(2)));
    answers.request(vec![InsightRequest::LayerStats { epoch: 0 }]);
    let late = received.recv_timeout(PATIENCE).expect("an answer");
    answers.replace(Arc::new(made(1)));
    answers.insert(late);
    assert!(answers.layer_stats(0).is_none());
    answers.request(vec![InsightRequest::LayerStats { epoch: 0 }]);
    take(&mut answers, &received, 1);
    assert!(answers.layer_stats(0).is_some());
}

#[test]
fn what_takes_long_is_given_up_when_nobody_asks_for_it_any_more() {
    // Every value waits until it may be read.
    let (open, read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut slow = made(200);
    let (gate, count) = (Arc::clone(&open), Arc::clone(&read));
    slow.value = Box::new(move |_, _, _, _| {
        count.fetch_add(1, Ordering::Relaxed);
        while !gate.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
        1.0
    });
    let (mut answers, received) = answers(Arc::new(slow));
    answers.request(vec![biography(0, 0, 0)]);
    while read.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    answers.request(vec![InsightRequest::Predictions { epoch: 0 }]);
    open.store(true, Ordering::Relaxed);
    assert_eq!(take(&mut answers, &received, 1), [InsightRequest::Predictions { epoch: 0 }]);
    assert_quiet(&received);
    // And when it is asked for again it is answered.
    answers.request(vec![biography(0, 0, 0)]);
    assert_eq!(take(&mut answers, &received, 1), [biography(0, 0, 0)]);
}
