//! Results of the insight cache: each request is computed once, and abandoned ones are cancelled.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{InsightCache, InsightRequest, InsightResponse};
use crate::insight::testing::{Made, noise};
use crate::model::{EpochIndex, LayerIndex, Source, UnitId, UnitIndex};

/// Longest time that a result may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A recording of two layers with 4 and 6 units, 12 inputs of three classes, and predictions.
fn made_recording(epochs: usize) -> Made {
    let labels: Vec<Option<usize>> = (0..12).map(|input| Some(input % 3)).collect();
    let value = |epoch: usize, input: usize, layer: usize, unit: usize| {
        noise(((epoch * 20 + input) * 5 + layer) * 9 + unit)
    };
    let mut made = Made::new(&[4, 6], &["a", "b", "c"], &labels, epochs, value);
    made.predictions = Some(vec![Some(1); 12]);
    made
}

/// A cache for `source`, and the results of its worker.
fn cache_of(source: Arc<dyn Source>) -> (InsightCache, Receiver<InsightResponse>) {
    let (send, received) = channel();
    let send = Mutex::new(send);
    let send_response = move |response| {
        let _ = send.lock().expect("no test failed").send(response);
    };
    (InsightCache::new(source, Box::new(send_response)), received)
}

fn unit_id(layer: usize, unit: usize) -> UnitId {
    UnitId { layer: LayerIndex(layer), unit: UnitIndex(unit) }
}

fn unit_profile(layer: usize, unit: usize, epoch: u64) -> InsightRequest {
    InsightRequest::UnitProfile { unit: unit_id(layer, unit), epoch }
}

/// Waits for `count` results, inserts them into the cache, and returns their requests in this order.
fn receive(
    cache: &mut InsightCache,
    received: &Receiver<InsightResponse>,
    count: usize,
) -> Vec<InsightRequest> {
    let next = |_| {
        let response = received.recv_timeout(TIMEOUT).expect("a response");
        let request = response.request;
        cache.insert(response);
        request
    };
    (0..count).map(next).collect()
}

/// Fails if there are more results.
#[track_caller]
fn assert_quiet(received: &Receiver<InsightResponse>) {
    let more = received.recv_timeout(Duration::from_millis(100));
    assert!(more.is_err(), "{more:?}");
}

#[test]
fn requests_are_computed_in_order_and_once() {
    let (mut cache, received) = cache_of(Arc::new(made_recording(3)));
    let requests = vec![
        InsightRequest::Predictions { epoch: 20 },
        unit_profile(1, 5, 20),
        InsightRequest::LayerStats { epoch: 20 },
    ];
    cache.request(requests.clone());
    assert_eq!(receive(&mut cache, &received, 3), requests);
    let profile = cache.unit_profile(unit_id(1, 5), 20).expect("computed").expect("a unit");
    assert_eq!((profile.unit, profile.epoch, profile.history.len()), (unit_id(1, 5), EpochIndex(2), 3));
    assert_eq!(cache.layer_stats(20).map(<[_]>::len), Some(2));
    assert_eq!(cache.predictions(20), Some([Some(1); 12].as_slice()));
    assert!(cache.layer_stats(10).is_none() && cache.unit_profile(unit_id(1, 5), 10).is_none());
    // Only the request for another epoch is new; the latest results stay available.
    cache.request(vec![
        unit_profile(1, 5, 20),
        unit_profile(1, 5, 10),
        InsightRequest::LayerStats { epoch: 20 },
    ]);
    assert_eq!(receive(&mut cache, &received, 1), [unit_profile(1, 5, 10)]);
    assert_eq!(cache.latest_profile(unit_id(1, 5)).map(|last| last.epoch), Some(EpochIndex(1)));
    assert_eq!(cache.latest_layer_stats().map(|(epoch, _)| epoch), Some(20));
    cache.request(requests);
    assert_quiet(&received);
}

#[test]
fn a_failed_request_has_a_reason() {
    let (mut cache, received) = cache_of(Arc::new(made_recording(2)));
    cache.request(vec![unit_profile(0, 4, 10), InsightRequest::LayerStats { epoch: 50 }]);
    receive(&mut cache, &received, 2);
    let reason = cache.unit_profile(unit_id(0, 4), 10).expect("computed").expect_err("no such unit");
    assert!(reason.contains("unit 4"), "{reason}");
    let reason =
        cache.result(InsightRequest::LayerStats { epoch: 50 }).expect("computed").expect_err("no such epoch");
    assert!(reason.contains("50"), "{reason}");
}

#[test]
fn profiles_are_computed_again_when_epochs_are_added() {
    let (mut cache, received) = cache_of(Arc::new(made_recording(2)));
    let requests = vec![unit_profile(0, 1, 10), InsightRequest::LayerStats { epoch: 10 }];
    cache.request(requests.clone());
    receive(&mut cache, &received, 2);
    cache.continue_with(Arc::new(made_recording(5)));
    let length = |cache: &InsightCache| {
        cache.unit_profile(unit_id(0, 1), 10).expect("computed").expect("a unit").history.len()
    };
    assert_eq!(length(&cache), 2, "the result before stays until there is a new one");
    cache.request(requests);
    assert_eq!(
        receive(&mut cache, &received, 1),
        [unit_profile(0, 1, 10)],
        "the statistics of an epoch do not change"
    );
    assert_eq!(length(&cache), 5);
    assert_quiet(&received);
}

#[test]
fn results_about_the_recording_before_are_dropped() {
    let (mut cache, received) = cache_of(Arc::new(made_recording(2)));
    cache.request(vec![InsightRequest::LayerStats { epoch: 0 }]);
    let late = received.recv_timeout(TIMEOUT).expect("a response");
    cache.replace(Arc::new(made_recording(1)));
    cache.insert(late);
    assert!(cache.layer_stats(0).is_none());
    cache.request(vec![InsightRequest::LayerStats { epoch: 0 }]);
    receive(&mut cache, &received, 1);
    assert!(cache.layer_stats(0).is_some());
}

#[test]
fn a_computation_that_is_no_longer_requested_is_cancelled() {
    // Reading a value blocks until `open` is set.
    let (open, read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut slow = made_recording(200);
    let (gate, count) = (Arc::clone(&open), Arc::clone(&read));
    slow.value = Box::new(move |_, _, _, _| {
        count.fetch_add(1, Ordering::Relaxed);
        while !gate.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
        1.0
    });
    let (mut cache, received) = cache_of(Arc::new(slow));
    cache.request(vec![unit_profile(0, 0, 0)]);
    while read.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    cache.request(vec![InsightRequest::Predictions { epoch: 0 }]);
    open.store(true, Ordering::Relaxed);
    assert_eq!(receive(&mut cache, &received, 1), [InsightRequest::Predictions { epoch: 0 }]);
    assert_quiet(&received);
    // Requested again, it is computed.
    cache.request(vec![unit_profile(0, 0, 0)]);
    assert_eq!(receive(&mut cache, &received, 1), [unit_profile(0, 0, 0)]);
}
