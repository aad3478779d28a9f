//! Orders are permutations with the properties of their criterion.

use super::super::testing::{Made, class_means, noise, selectivity};
use super::unit_permutations;
use crate::model::{EpochIndex, Grid, OrderBy, Source};

const CLASSES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn ordered(made: &Made, values: Option<&[Vec<f32>]>, by: OrderBy) -> Vec<Vec<u32>> {
    let grids: Vec<Grid> = made.recording.layers.iter().map(|layer| Grid::near_square(layer.units)).collect();
    unit_permutations(made, values, by, EpochIndex(0), &grids, &|| true).expect("an order").expect("wanted")
}

/// Units in eight groups, in pseudo-random order; the units of a group have a greater activation for one
/// class, each by another amount.
fn grouped(units: &[usize]) -> Made {
    let labels: Vec<Option<usize>> = (0..64).map(|input| Some(input % 8)).collect();
    Made::new(units, &CLASSES, &labels, 1, |_, input, layer, unit| {
        let is_preferred = input % 8 == group(unit);
        let strength = 0.5 + 4.0 * noise(unit + 9000 * layer);
        noise(input * 5000 + unit) + if is_preferred { strength } else { 0.0 }
    })
}

/// The group of a unit.
fn group(unit: usize) -> usize {
    (noise(unit + 77) * 8.0) as usize
}

#[track_caller]
fn assert_permutation(order: &[u32], units: usize) {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    assert!(sorted.iter().copied().eq(0..units as u32), "{units} units: {order:?}");
}

#[test]
fn every_order_is_a_permutation_whatever_the_grid() {
    let sizes = [1, 2, 3, 5, 7, 10, 17, 24, 101, 333, 2500];
    let made = grouped(&sizes);
    let grids = [Grid::near_square as fn(usize) -> Grid, Grid::column, |units| Grid {
        columns: units as u32 + 3,
        rows: 2,
    }];
    for by in [OrderBy::Activation, OrderBy::Selectivity, OrderBy::Similarity] {
        for grid in grids {
            let grids: Vec<Grid> = sizes.into_iter().map(grid).collect();
            let found = unit_permutations(&made, None, by, EpochIndex(0), &grids, &|| true)
                .expect("an order")
                .expect("wanted");
            assert_eq!(found.len(), sizes.len());
            found.iter().zip(sizes).for_each(|(order, units)| assert_permutation(order, units));
            let again =
                unit_permutations(&made, None, by, EpochIndex(0), &grids, &|| true).expect("an order");
            assert_eq!(Some(found), again, "it is the same each time");
        }
    }
    let grids: Vec<Grid> = sizes.into_iter().map(Grid::near_square).collect();
    assert!(
        unit_permutations(&made, None, OrderBy::Similarity, EpochIndex(0), &grids, &|| false)
            .expect("no error")
            .is_none()
    );
}

#[test]
fn by_activation_the_greatest_come_first() {
    let made = grouped(&[5]);
    let values = vec![vec![1.0, f32::NAN, 3.0, -2.0, 3.0]];
    assert_eq!(ordered(&made, Some(&values), OrderBy::Activation), [[2, 4, 0, 3, 1]]);
    let order = &ordered(&made, None, OrderBy::Activation)[0];
    let mean = |unit: u32| (0..64).map(|input| (made.value)(0, input, 0, unit as usize)).sum::<f32>();
    assert!(order.is_sorted_by(|&a, &b| mean(a) >= mean(b)), "by their means where there are no values");
}

#[test]
fn by_selectivity_units_of_a_class_are_together() {
    let mut made = grouped(&[60]);
    let inner = std::mem::replace(&mut made.value, Box::new(|_, _, _, _| 0.0));
    made.value = Box::new(
        move |epoch, input, layer, unit| {
            if unit == 11 { 0.0 } else { inner(epoch, input, layer, unit) }
        },
    );
    let order = &ordered(&made, None, OrderBy::Selectivity)[0];
    assert_eq!(order.last(), Some(&11), "a dead unit prefers nothing");
    let key = |unit: u32| {
        let (index, class) = selectivity(&class_means(&made, 0, 0, unit as usize)).expect("it prefers one");
        (class, -index)
    };
    let keys: Vec<(usize, f64)> = order[..59].iter().map(|&unit| key(unit)).collect();
    assert!(keys.is_sorted_by(|a, b| a.0 < b.0 || (a.0 == b.0 && a.1 <= b.1 + 1e-6)), "{keys:?}");
    assert!(keys.iter().filter(|key| key.0 == 3).count() > 2, "{keys:?}");
}

/// Mean distance, in cells, between units of one group.
fn apart(order: &[u32], units: usize, group: impl Fn(usize) -> usize) -> f64 {
    let grid = Grid::near_square(units);
    let mut places: Vec<(f64, f64)> = vec![(0.0, 0.0); units];
    for (place, &unit) in order.iter().enumerate() {
        let (column, row) = grid.position(place);
        places[unit as usize] = (f64::from(column), f64::from(row));
    }
    let pairs = (0..units).flat_map(|a| (0..a).map(move |b| (a, b))).filter(|&(a, b)| group(a) == group(b));
    let (sum, count) = pairs.fold((0.0, 0), |(sum, count), (a, b)| {
        let (a, b) = (places[a], places[b]);
        (sum + (a.0 - b.0).hypot(a.1 - b.1), count + 1)
    });
    sum / f64::from(count)
}

#[test]
fn by_similarity_units_of_a_group_are_close_in_the_grid() {
    for units in [100, 397, 1000] {
        let mut made = grouped(&[units]);
        let as_trained: Vec<u32> = (0..units as u32).collect();
        let random = apart(&as_trained, units, group);
        let by_classes = apart(&ordered(&made, None, OrderBy::Similarity)[0], units, group);
        assert!(by_classes < 0.5 * random, "{units}: {by_classes} of {random}");
        // Without classes, response profiles are over inputs.
        made.recording.classes.clear();
        made.recording.inputs.iter_mut().for_each(|input| input.class = None);
        let by_inputs = apart(&ordered(&made, None, OrderBy::Similarity)[0], units, group);
        assert!(by_inputs < 0.5 * random, "{units}: {by_inputs} of {random}");
        println!(
            "{units} units: {by_classes:.2} by classes, {by_inputs:.2} by inputs, {random:.2} at random"
        );
    }
}

#[test]
fn neighbours_in_the_grid_are_similar() {
    // Each unit has a preferred angle; its activation decreases with the angular distance of the class.
    let labels: Vec<Option<usize>> = (0..64).map(|input| Some(input % 8)).collect();
    let angle = |unit: usize| f64::from(noise(unit)) * std::f64::consts::TAU;
    let made = Made::new(&[900], &CLASSES, &labels, 1, move |_, input, _, unit| {
        let own = (input % 8) as f64 / 8.0 * std::f64::consts::TAU;
        (angle(unit) - own).cos().exp() as f32
    });
    let order = &ordered(&made, None, OrderBy::Similarity)[0];
    let similarity = |a: usize, b: usize| (angle(order[a] as usize) - angle(order[b] as usize)).cos();
    let places = (0..900).filter(|place| place % 30 < 29 && place / 30 < 29);
    let similarities: Vec<f64> =
        places.flat_map(|place| [similarity(place, place + 1), similarity(place, place + 30)]).collect();
    let mean = similarities.iter().sum::<f64>() / similarities.len() as f64;
    println!("neighbours' mean similarity {mean:.3}");
    assert!(mean > 0.9, "{mean}: at random it would be 0");
    assert_eq!(made.recording().layers[0].units, order.len());
}

#[test]
fn equal_units_and_units_without_a_value_are_placed() {
    let made = Made::new(&[50, 50, 6], &CLASSES, &[Some(0), Some(1), Some(2), None], 1, |_, _, layer, _| {
        if layer == 0 { 1.5 } else { f32::NAN }
    });
    for by in [OrderBy::Activation, OrderBy::Selectivity, OrderBy::Similarity] {
        ordered(&made, None, by)
            .iter()
            .zip([50, 50, 6])
            .for_each(|(order, units)| assert_permutation(order, units));
    }
}
