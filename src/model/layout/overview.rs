//! The choice of rows, gaps and direction for which the slabs of a network are as large as can be in a picture.

use glam::{Vec2, vec2, vec3};

use super::items::Item;
use super::places::{ItemPlace, Layout, Slab};
use super::rows::{Arrangement, one_row};
use crate::model::camera::{Camera, Direction};

/// Most rows of a layout of a few items, and of many.
const MAX_ROWS: usize = 12;
const MOST_ROWS: usize = 60;
/// Numbers of rows for which gaps and directions are chosen.
const REFINED: usize = 3;
/// Multiples of the usual gaps between slabs.
const SPREADS: [f32; 4] = [0.65, 0.95, 1.35, 2.0];
/// Directions of the overview.
const YAWS: [f32; 4] = [0.55, 0.72, 0.9, 1.05];
const PITCHES: [f32; 3] = [-0.14, -0.2, -0.28];
/// Height of the grid of samples by which visible areas are compared, and its greatest width.
const SAMPLES: (usize, usize) = (40, 100);
/// Number of items above which few choices are compared, so that no choice takes long.
const MANY_ITEMS: usize = 150;
/// Exponent of the visible share of an item in its merit: a slab of which half is hidden is hard to read.
const HIDDEN_COST: f32 = 1.0;
/// Exponent of the share of the picture that the convex hull of the slabs takes up, in their merit.
const EMPTY_COST: f32 = 1.0;
/// Factor on the merit of a layout for each row: rows are harder to follow than a line.
const ROW_COST: f32 = 0.985;
/// The same for a row that begins within a stage.
const BREAK_COST: f32 = 0.98;

/// Returns the layout with the greatest visible slabs in a picture of this aspect ratio (width by height).
///
/// All numbers of rows are compared with usual gaps and direction; the best ones then with other gaps and directions,
/// one after the other.
pub(super) fn best(items: &[Item], slots: Vec<Vec<usize>>, slabs: Vec<Slab>, aspect: f32) -> Layout {
    let aspect = if aspect.is_finite() { aspect.clamp(0.1, 10.0) } else { 1.0 };
    let mut search = Search { items, slabs, aspect, samples: Samples::new(aspect) };
    let mut rows: Vec<Candidate<'_>> = row_counts(slots.len())
        .filter_map(|count| {
            let starts = row_starts(items, &slots, count)?;
            let arrangement = Arrangement { items, slots: slots.clone(), starts };
            Some(search.candidate(arrangement, SPREADS[1], Direction { yaw: YAWS[1], pitch: PITCHES[1] }))
        })
        .collect();
    rows.sort_by(|a, b| b.merit.total_cmp(&a.merit));
    rows.truncate(if items.len() > MANY_ITEMS { 1 } else { REFINED });
    let refined = rows.into_iter().map(|mut best| {
        if items.len() <= MANY_ITEMS {
            let Direction { yaw, pitch } = best.direction;
            best = search.better(best, SPREADS.map(|spread| (spread, Direction { yaw, pitch })));
            let spread = best.spread;
            best = search.better(best, YAWS.map(|yaw| (spread, Direction { yaw, pitch })));
            let yaw = best.direction.yaw;
            best = search.better(best, PITCHES.map(|pitch| (spread, Direction { yaw, pitch })));
            let direction = best.direction;
            best = search.better(best, SPREADS.map(|spread| (spread, direction)));
        }
        best
    });
    match refined.max_by(|a, b| a.merit.total_cmp(&b.merit)) {
        Some(best) => best.layout,
        None => one_row(items, slots, search.slabs),
    }
}

/// Returns the numbers of rows that are compared: all small ones, and some of the large ones.
fn row_counts(slots: usize) -> impl Iterator<Item = usize> {
    let large = std::iter::successors(Some(MAX_ROWS), |count| Some(count + count / 4));
    let most = if slots > MANY_ITEMS { MOST_ROWS } else { MAX_ROWS };
    (1..MAX_ROWS).chain(large).take_while(move |&count| count <= slots.min(most))
}

/// A layout among those that are compared.
struct Candidate<'a> {
    arrangement: Arrangement<'a>,
    spread: f32,
    direction: Direction,
    layout: Layout,
    merit: f32,
}

/// Compares layouts.
struct Search<'a> {
    items: &'a [Item],
    slabs: Vec<Slab>,
    aspect: f32,
    samples: Samples,
}

impl<'a> Search<'a> {
    fn candidate(
        &mut self,
        arrangement: Arrangement<'a>,
        spread: f32,
        direction: Direction,
    ) -> Candidate<'a> {
        let Arrangement { slots, starts, .. } = &arrangement;
        let breaks =
            starts.iter().skip(1).filter(|&&start| is_within_stage(self.items, slots, start)).count();
        let cost = ROW_COST.powi(starts.len() as i32 - 1) * BREAK_COST.powi(breaks as i32);
        let layout = arrangement.layout_for(self.slabs.clone(), spread, direction);
        let merit = cost * self.samples.merit(&layout, direction, self.aspect);
        Candidate { arrangement, spread, direction, layout, merit }
    }

    /// Returns the best of a candidate and of those with other gaps and directions.
    fn better<const N: usize>(
        &mut self,
        mut best: Candidate<'a>,
        others: [(f32, Direction); N],
    ) -> Candidate<'a> {
        for (spread, direction) in others {
            if (spread, direction) != (best.spread, best.direction) {
                let other = self.candidate(best.arrangement.clone(), spread, direction);
                if other.merit > best.merit {
                    best = other;
                }
            }
        }
        best
    }
}

/// Returns that one of several directions in which the visible parts of the slabs are the largest.
pub(super) fn best_direction(layout: &Layout, directions: &[Direction], aspect: f32) -> Direction {
    let mut samples = Samples::new(aspect);
    let directions =
        if layout.items.len() > MANY_ITEMS { &directions[..directions.len().min(1)] } else { directions };
    let mut best = (0.0, layout.overview);
    for &direction in directions {
        let merit = samples.merit(layout, direction, aspect);
        if merit > best.0 {
            best = (merit, direction);
        }
    }
    best.1
}

fn stage_of(items: &[Item], slot: &[usize]) -> Option<usize> {
    slot.first().and_then(|&item| items[item].stage)
}

/// Returns `true` if a row that begins with a slot divides a stage.
fn is_within_stage(items: &[Item], slots: &[Vec<usize>], start: usize) -> bool {
    let stage = stage_of(items, &slots[start]);
    stage.is_some() && stage_of(items, &slots[start - 1]) == stage
}

/// Divides slots into rows of about one length: the division with the least sum of squared lengths, where a row
/// that begins within a stage counts as longer. `None` if that takes fewer rows.
fn row_starts(items: &[Item], slots: &[Vec<usize>], count: usize) -> Option<Vec<usize>> {
    let breadth = |slot: &Vec<usize>| slot.iter().map(|&item| items[item].size.x).sum::<f32>();
    let lengths: Vec<f32> = slots.iter().map(|slot| 0.7 + 0.6 * breadth(slot)).collect();
    let mut sums = vec![0.0];
    for length in &lengths {
        sums.push(sums.last().copied().unwrap_or(0.0) + length);
    }
    let slots_count = slots.len();
    if count > slots_count {
        return None;
    }
    let mean = sums[slots_count] / count as f32;
    let cost = |start: usize, end: usize| {
        let extra = if start > 0 && is_within_stage(items, slots, start) { 0.25 * mean * mean } else { 0.0 };
        (sums[end] - sums[start]).powi(2) + extra
    };
    if slots_count * slots_count * count > 400_000 {
        // Too many for an exact division: rows of one length.
        let starts =
            (0..count).map(|row| sums.partition_point(|&sum| sum < row as f32 * mean).min(slots_count - 1));
        let mut starts: Vec<usize> = starts.collect();
        starts.dedup();
        return (starts.len() == count).then_some(starts);
    }
    // least[row][end]: the least cost of `row + 1` rows of the first `end` slots, and where the last one begins.
    let mut least = vec![vec![(f32::INFINITY, 0); slots_count + 1]; count];
    for (end, least) in least[0].iter_mut().enumerate().skip(1) {
        *least = (cost(0, end), 0);
    }
    for row in 1..count {
        for end in row + 1..=slots_count {
            least[row][end] = (row..end)
                .map(|start| (least[row - 1][start].0 + cost(start, end), start))
                .min_by(|a, b| a.0.total_cmp(&b.0))?;
        }
    }
    let mut starts = vec![0; count];
    let mut end = slots_count;
    for row in (0..count).rev() {
        starts[row] = least[row][end].1;
        end = starts[row];
    }
    Some(starts)
}

/// Returns the area of the convex hull of points, which it sorts (Andrew's monotone chain).
fn hull_area(points: &mut [Vec2]) -> f32 {
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    let chain = |points: &mut dyn Iterator<Item = Vec2>| {
        let mut chain: Vec<Vec2> = Vec::new();
        for point in points {
            while let [.., before, last] = chain[..]
                && (last - before).perp_dot(point - last) <= 0.0
            {
                chain.pop();
            }
            chain.push(point);
        }
        chain.windows(2).map(|pair| pair[0].perp_dot(pair[1])).sum::<f32>()
    };
    let doubled = chain(&mut points.iter().copied()) + chain(&mut points.iter().rev().copied());
    (doubled / 2.0).abs()
}

/// A coarse picture, in which each sample has the number of the item that is in front there.
struct Samples {
    width: usize,
    height: usize,
    front: Vec<u16>,
    /// Visible area by number, 0 for the background.
    areas: Vec<f32>,
    /// Area of each item, hidden or not.
    wholes: Vec<f32>,
    /// The corners of all items.
    corners: Vec<Vec2>,
}

impl Samples {
    fn new(aspect: f32) -> Self {
        let height = SAMPLES.0.min((SAMPLES.1 as f32 / aspect) as usize).max(8);
        let width = ((height as f32 * aspect) as usize).clamp(8, SAMPLES.1);
        Self {
            width,
            height,
            front: vec![0; width * height],
            areas: Vec::new(),
            wholes: Vec::new(),
            corners: Vec::new(),
        }
    }

    /// Returns the merit of a picture of slabs from a direction: the mean edge of the
    /// visible area of an item, less where parts are hidden, and half that of the smallest, in samples; less where the picture is empty.
    fn merit(&mut self, layout: &Layout, direction: Direction, aspect: f32) -> f32 {
        let camera = Camera::looking(direction).framing_boxes(layout.boxes(), aspect);
        let distance = |&(_, item): &(usize, &ItemPlace)| {
            ((item.low + item.high) / 2.0 - camera.position).dot(camera.forward())
        };
        let mut items: Vec<(usize, &ItemPlace)> = layout.items.iter().enumerate().collect();
        items.sort_by(|a, b| distance(b).total_cmp(&distance(a)));
        let count = items.len();
        self.front.fill(0);
        self.wholes.clear();
        self.wholes.resize(count, 0.0);
        self.corners.clear();
        for (index, &ItemPlace { low, high, .. }) in items {
            let corners =
                [low, vec3(high.x, low.y, low.z), vec3(high.x, high.y, low.z), vec3(low.x, high.y, low.z)];
            let mut face = [Vec2::ZERO; 4];
            for (point, corner) in face.iter_mut().zip(corners) {
                let Some((projected, _)) = camera.project(corner, aspect) else { return 0.0 };
                *point = projected * vec2(self.width as f32, self.height as f32);
            }
            self.corners.extend(face);
            let doubled: f32 = (0..4).map(|corner| face[corner].perp_dot(face[(corner + 1) % 4])).sum();
            self.wholes[index] = (doubled / 2.0).abs().max(1.0);
            self.fill(face, (index + 1).min(usize::from(u16::MAX)) as u16);
        }
        self.areas.clear();
        self.areas.resize(count.min(usize::from(u16::MAX)) + 1, 0.0);
        for &item in &self.front {
            if let Some(area) = self.areas.get_mut(usize::from(item)) {
                *area += 1.0;
            }
        }
        let edge = |(&area, &whole): (&f32, &f32)| area.sqrt() * (area / whole).min(1.0).powf(HIDDEN_COST);
        let edges = || self.areas.iter().skip(1).zip(&self.wholes).map(edge);
        let size =
            edges().sum::<f32>() / count.max(1) as f32 + 0.5 * edges().fold(f32::INFINITY, f32::min).min(1e6);
        let filled = hull_area(&mut self.corners) / (self.width * self.height) as f32;
        size * filled.powf(EMPTY_COST)
    }

    /// Fills a convex quadrilateral with a number.
    fn fill(&mut self, corners: [Vec2; 4], number: u16) {
        let top = corners.iter().map(|corner| corner.y).fold(f32::INFINITY, f32::min);
        let bottom = corners.iter().map(|corner| corner.y).fold(f32::NEG_INFINITY, f32::max);
        let first = (top - 0.5).ceil().max(0.0) as usize;
        for line in first..self.height {
            let y = line as f32 + 0.5;
            if y > bottom {
                break;
            }
            let (mut left, mut right) = (f32::INFINITY, f32::NEG_INFINITY);
            for index in 0..4 {
                let (a, b) = (corners[index], corners[(index + 1) % 4]);
                if (a.y <= y) != (b.y <= y) {
                    let x = a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y);
                    (left, right) = (left.min(x), right.max(x));
                }
            }
            let from = (left - 0.5).ceil().clamp(0.0, self.width as f32) as usize;
            let to = (right + 0.5).floor().clamp(from as f32, self.width as f32) as usize;
            self.front[line * self.width + from..line * self.width + to].fill(number);
        }
    }
}
