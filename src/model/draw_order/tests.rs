//! Order of boxes and segments.

use glam::vec3;

use super::*;

/// Deterministic numbers in [0, 1).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 40) as f32) / (1 << 24) as f32
    }

    fn point(&mut self, reach: f32) -> Vec3 {
        vec3(self.next() - 0.5, self.next() - 0.5, self.next() - 0.5) * 2.0 * reach
    }
}

/// Boxes in rows, slots and lanes, of different sizes, without overlap.
fn rows() -> Vec<Bounds> {
    let mut numbers = Numbers(1);
    let mut boxes = Vec::new();
    for row in 0..4 {
        for slot in 0..6 {
            for lane in 0..=slot % 3 {
                let low = vec3(4.0 * lane as f32 + 1.5 * row as f32, -5.0 * row as f32, -3.0 * slot as f32);
                let size = vec3(1.0 + 2.9 * numbers.next(), 1.0 + 3.5 * numbers.next(), 0.1 + numbers.next());
                boxes.push((low, low + size));
            }
        }
    }
    boxes
}

/// Distances along a ray at which it enters and leaves a box; `None` if it misses it.
fn span((low, high): Bounds, eye: Vec3, direction: Vec3) -> Option<(f32, f32)> {
    let (a, b) = ((low - eye) / direction, (high - eye) / direction);
    let (enter, leave) = (a.min(b).max_element().max(0.0), a.max(b).min_element());
    (enter < leave).then_some((enter, leave))
}

fn places(drawn: &[Drawn], count: usize) -> Vec<usize> {
    let mut places = vec![usize::MAX; count];
    for (place, drawn) in drawn.iter().enumerate() {
        if let Drawn::Box(index) = drawn {
            assert_eq!(places[*index], usize::MAX, "drawn once");
            places[*index] = place;
        }
    }
    assert!(!places.contains(&usize::MAX), "all are drawn");
    places
}

#[test]
fn a_box_is_drawn_after_all_boxes_behind_it_from_500_random_eyes() {
    let boxes = rows();
    let order = DrawOrder::new(boxes.clone());
    let mut numbers = Numbers(7);
    let mut pairs = 0;
    for _ in 0..500 {
        let eye = numbers.point(30.0);
        let places = places(&order.back_to_front(eye, &[]), boxes.len());
        for _ in 0..40 {
            let direction = (numbers.point(12.0) - eye).normalize();
            let mut hits: Vec<(f32, usize)> = (0..boxes.len())
                .filter_map(|index| span(boxes[index], eye, direction).map(|(enter, _)| (enter, index)))
                .collect();
            hits.sort_by(|a, b| a.0.total_cmp(&b.0));
            for pair in hits.windows(2) {
                assert!(places[pair[0].1] > places[pair[1].1], "{pair:?} from {eye}");
                pairs += 1;
            }
        }
    }
    assert!(pairs > 1_000, "{pairs} pairs were compared");
}

#[test]
fn pieces_cover_their_segment_and_lie_on_the_right_side_of_every_box() {
    let boxes = rows();
    let order = DrawOrder::new(boxes.clone());
    let mut numbers = Numbers(3);
    // Segments that cross no box.
    let segments: Vec<[Vec3; 2]> = std::iter::repeat_with(|| {
        let start = numbers.point(14.0);
        [start, start + numbers.point(4.0)]
    })
    .filter(|[start, end]| {
        boxes.iter().all(|&bounds| span(bounds, *start, *end - *start).is_none_or(|(enter, _)| enter > 1.0))
    })
    .take(300)
    .collect();
    let pieces = order.pieces(segments.iter().copied());
    for segment in 0..segments.len() {
        let mut own: Vec<_> = pieces.iter().filter(|piece| piece.segment == segment).collect();
        own.sort_by(|a, b| a.from.total_cmp(&b.from));
        assert_eq!((own[0].from, own[own.len() - 1].to), (0.0, 1.0));
        assert!(own.windows(2).all(|pair| pair[0].to == pair[1].from));
    }
    let mut compared = 0;
    for _ in 0..60 {
        let eye = numbers.point(30.0);
        let drawn = order.back_to_front(eye, &pieces);
        let places = places(&drawn, boxes.len());
        for (place, index) in drawn.iter().enumerate().filter_map(|(place, drawn)| match drawn {
            Drawn::Segment(index) => Some((place, *index)),
            Drawn::Box(_) => None,
        }) {
            let piece = &pieces[index];
            let [start, end] = segments[piece.segment];
            let middle = start.lerp(end, 0.5 * (piece.from + piece.to));
            for (index, &bounds) in boxes.iter().enumerate() {
                // The ray from the eye to the piece, on to what lies behind it.
                let Some((enter, _)) = span(bounds, eye, middle - eye) else { continue };
                assert_eq!(places[index] > place, enter < 1.0, "box {index} and piece {piece:?} from {eye}");
                compared += 1;
            }
        }
    }
    assert!(compared > 1_000, "{compared}");
}

#[test]
fn boxes_that_overlap_are_ordered_by_their_distance() {
    let cube = |z: f32| (vec3(-1.0, -1.0, z - 1.0), vec3(1.0, 1.0, z + 1.0));
    let order = DrawOrder::new(vec![cube(0.0), cube(1.0), cube(0.5)]);
    assert_eq!(places(&order.back_to_front(vec3(0.0, 0.0, 9.0), &[]), 3), [0, 2, 1]);
    assert_eq!(places(&order.back_to_front(vec3(0.0, 0.0, -9.0), &[]), 3), [2, 0, 1]);
    assert!(DrawOrder::new(Vec::new()).back_to_front(Vec3::ZERO, &[]).is_empty());
}
