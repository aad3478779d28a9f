// Linear light of a slab's surfaces: single cells, fields of cells, and the slab itself.

#import "shared/colour.wgsl" { colour_of, mean_colour }
#import "shared/frame.wgsl" { Slab, frame }
#import "shared/light.wgsl" { haze_at }
#import "shared/ray.wgsl" { Face, Ray }
#import "shared/value.wgsl" { Block, Value }

// Share of a cell's width that is free (model::layout::CELL_GAP).
const GAP: f32 = 0.12;
// Shade of the slab between cells, for ambient occlusion.
const GAP_SHADE: f32 = 0.55;
// Shade at the lower end of a cell's sides, for ambient occlusion.
const FOOT_SHADE: f32 = 0.68;
// Height above the slab from which on a side is fully lit, in cells.
const FOOT_HEIGHT: f32 = 0.7;
// Deviations by which the cells that a flat ray meets are taller than the mean, for each
// e-fold of cells that it passes; fitted to pictures of every cell.
const TALLER: f32 = 0.8;

// Light of a cell at the point at which a ray enters its box.
fn cell_light(slab: Slab, ray: Ray, value: Value, face: Face) -> vec3<f32> {
    let at = ray.origin + ray.direction * face.t;
    var tone = colour_of(slab, value.number);
    if value.valued < 0.5 {
        // Stripes, three a cell, fading into their mean when they are finer than pixels.
        let wave = abs(fract((at.x + at.y) * 1.5) * 2.0 - 1.0);
        let sharp = clamp((wave - 0.5) / max(3.0 * face.width, 0.02) + 0.5, 0.0, 1.0);
        tone = mix(frame.slab_colour, frame.no_value_colour, mix(sharp, 0.5, clamp(2.0 * face.width, 0.0, 1.0)));
    }
    let foot = mix(FOOT_SHADE, 1.0, clamp(at.z / FOOT_HEIGHT, 0.0, 1.0));
    let shade = vec3<f32>(ray.shade.xy * foot, ray.shade.z);
    return tone * dot(face.weights, shade);
}

// Light of a field of cells too small to be seen one by one: tops, the sides that show in
// the gaps, and the slab between them, each by its share of the pixel. `no_value` is the share of
// cells without value in the block one level up. The slab between the cells is a small share, and not hazed.
fn field_light(slab: Slab, ray: Ray, block: Block, height: f32, spread: f32, no_value: f32) -> vec3<f32> {
    let width = 1.0 - GAP;
    let slope = abs(ray.direction.xy) / max(abs(ray.direction.z), 0.02);
    let top = width * width;
    // Sides show as far as the gap leaves them free, and as far as a cell is taller than its neighbour
    // (0.56 deviations for independent normal heights).
    let sides = width * (min(vec2<f32>(height) * slope, vec2<f32>(GAP)) + 0.56 * spread * slope);
    let floor_share = max(1.0 - top - sides.x - sides.y, 0.0);
    let total = top + sides.x + sides.y + floor_share;
    let foot = mix(FOOT_SHADE, 1.0, clamp((height - 0.5 * GAP / max(max(slope.x, slope.y), 0.01)) / FOOT_HEIGHT, 0.3, 1.0));
    let lit = top * ray.shade.z + foot * (sides.x * ray.shade.x + sides.y * ray.shade.y);
    let valued = max(1.0 - block.no_value - block.absent, 0.0);
    // A flat ray passes over several cells while it comes down, and meets the tall ones first.
    let taller = TALLER * log(1.0 + spread * length(slope));
    let bound = select(block.greatest, abs(block.greatest), frame.diverging == 1u);
    let mean = min(block.mean + taller * block.deviation, bound);
    // A few cells without value are drawn stronger than their share: they must not vanish.
    let none = block.no_value / max(valued + block.no_value, 1e-3);
    let tone = mix(
        mean_colour(slab, mean, block.deviation / (1.0 + 0.5 * taller)),
        mix(frame.slab_colour, frame.no_value_colour, 0.5),
        max(none, 0.35 * min(16.0 * no_value, 1.0)),
    );
    return (tone * lit + frame.slab_colour * (GAP_SHADE * floor_share)) / total;
}

// Share of a block's greatest value in its colour: a single outlier must not vanish, and a block with
// many of them must not brighten. One of n cells is at most sqrt(n - 1) deviations from the mean.
fn outlier_share(block: Block, level: u32) -> f32 {
    if level < 2u {
        return 0.0;
    }
    let most = f32(1i << min(level, 12u));
    let out = abs(block.greatest - block.mean) / max(block.deviation, 1e-12);
    return 0.6 * smoothstep(0.7, 0.95, out / most) * (1.0 - block.no_value);
}

// Share of the slab in the pixel of a ray that lies among the cells and not on the border: with a rim, which
// is higher, none of the faces of the box around it.
fn share_among(slab: Slab, ray: Ray, face: Face) -> f32 {
    let at = ray.origin + ray.direction * face.t;
    let beyond = max(max(-at.x, at.x - f32(slab.grid.x)), max(-at.y, at.y - f32(slab.grid.y)));
    let inside = clamp(0.5 - beyond / face.width, 0.0, 1.0) * face.weights.z;
    return select(0.0, inside, ray.direction.z < 0.0 && frame.rim == 0.0);
}

// Light of the slab at the point at which a ray meets it; of `among`, see share_among.
fn slab_light(slab: Slab, ray: Ray, face: Face, among: f32) -> vec3<f32> {
    let haze = haze_at(face.t * slab.pitch);
    let lit = frame.slab_colour * (dot(face.weights, ray.shade) * mix(1.0, GAP_SHADE, among));
    return mix(lit, frame.ground_colour, haze);
}
