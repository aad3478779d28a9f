//! Smooth lines.

use glam::Vec3;

/// Greatest share of a straight part that the round corners at its two ends take each.
const CORNER: f32 = 0.5;

/// Returns the points of a line through `corners`, each rounded by a quadratic Bézier curve of `steps` segments, which
/// begins and ends within `reach` of the corner.
pub(super) fn rounded(corners: &[Vec3], reach: f32, steps: usize) -> Vec<Vec3> {
    let mut points = Vec::with_capacity(corners.len() * (steps + 1));
    for (index, &corner) in corners.iter().enumerate() {
        if index == 0 || index + 1 == corners.len() {
            points.push(corner);
            continue;
        }
        let (before, after) = (corners[index - 1] - corner, corners[index + 1] - corner);
        let radius = (CORNER * before.length().min(after.length())).min(reach);
        let start = corner + before.normalize_or_zero() * radius;
        let end = corner + after.normalize_or_zero() * radius;
        for step in 0..=steps {
            let t = step as f32 / steps as f32;
            points.push(start.lerp(corner, t).lerp(corner.lerp(end, t), t));
        }
    }
    points.dedup_by(|a, b| a.distance_squared(*b) < 1e-10);
    points
}

/// Returns the direction of a line at each of its points, of length 1.
pub(super) fn tangents(points: &[Vec3]) -> Vec<Vec3> {
    let at = |index: usize| {
        let (before, after) = (index.saturating_sub(1), (index + 1).min(points.len() - 1));
        (points[after] - points[before]).normalize_or(Vec3::Z)
    };
    (0..points.len()).map(at).collect()
}
