// One ray through one plate: hierarchical walk over the pyramid (maximum mipmaps: Tevs, Ihrke,
// Seidel, 2008), front to back, with the exact share of a pixel that each edge covers.

// What a pipeline is for: plates on which cells can be larger than pixels, smaller, or both.
override NEAR: bool = true;
override FAR: bool = true;

// Walk steps before a ray gives up and takes the block that it is in.
const MAX_STEPS: u32 = 384u;
// Blocks are chosen as for rays at least this steep.
const LEAST_SLOPE: f32 = 0.12;
// Deviations by which the cells that a flat ray meets are taller than the mean, for each
// e-fold of cells that it passes; fitted to pictures of every cell.
const TALLER: f32 = 0.8;
// Pixels, in cells, over which single cells fade into their field.
const FADE_FROM: f32 = 0.4;
const FADE_TO: f32 = 0.9;
// A ray is done when less than this share of it is left.
const DONE: f32 = 0.01;

struct Hit {
    // Light, premultiplied by how much of the pixel is covered.
    colour: vec4<f32>,
    // The first cell that covers at least half of the pixel: 1 + its index, 0 for none.
    cell: u32,
}

// A ray in plate coordinates, and what of it is the same for every cell.
struct Ray {
    origin: vec3<f32>,
    direction: vec3<f32>,
    inverse: vec3<f32>,
    // |d_i d_j| / |(d_i, d_j)| for the pairs yz, xz, xy: turns the stretch between crossing two
    // planes into the distance to the edge where they meet.
    edge: vec3<f32>,
    // Shade of the faces that it can see, by axis.
    shade: vec3<f32>,
}

struct Face {
    // Share of the pixel that the box covers.
    covered: f32,
    // Where the ray enters.
    t: f32,
    // Width of a pixel there, in cells.
    width: f32,
    // Share of each axis' face in the pixel.
    weights: vec3<f32>,
}

fn ray_in_plate(slab: Slab, eye: vec3<f32>, direction: vec3<f32>) -> Ray {
    let flip = vec3<f32>(1.0, -1.0, 1.0);
    let origin = (eye - slab.corner) * flip / slab.pitch;
    var d = direction * flip;
    // No component is zero, so that no plane is crossed at infinity.
    d = select(d, vec3<f32>(1e-6), abs(d) < vec3<f32>(1e-6));
    let s = abs(d);
    let edge = vec3<f32>(
        s.y * s.z * inverseSqrt(s.y * s.y + s.z * s.z),
        s.x * s.z * inverseSqrt(s.x * s.x + s.z * s.z),
        s.x * s.y * inverseSqrt(s.x * s.x + s.y * s.y),
    );
    let shade = select(frame.shade_high, frame.shade_low, d > vec3<f32>(0.0));
    return Ray(origin, d, 1.0 / d, edge, shade);
}

// A box against a ray.
fn face_of_box(ray: Ray, low: vec3<f32>, high: vec3<f32>) -> Face {
    let a = (low - ray.origin) * ray.inverse;
    let b = (high - ray.origin) * ray.inverse;
    let near = min(a, b);
    let far = max(a, b);
    // Every silhouette edge is where a face that is entered meets one that is left.
    let yz = min(far.z - near.y, far.y - near.z) * ray.edge.x;
    let xz = min(far.z - near.x, far.x - near.z) * ray.edge.y;
    let xy = min(far.y - near.x, far.x - near.y) * ray.edge.z;
    let t = max(max(near.x, near.y), near.z);
    let width = frame.pixel * max(t, 1e-4);
    // The face that is entered last is the one that is seen; near an inner edge, part of each.
    let x = clamp(0.5 + min((near.x - near.y) * ray.edge.z, (near.x - near.z) * ray.edge.y) / width, 0.0, 1.0);
    let y = clamp(0.5 + min((near.y - near.x) * ray.edge.z, (near.y - near.z) * ray.edge.x) / width, 0.0, 1.0);
    let z = clamp(0.5 + min((near.z - near.x) * ray.edge.y, (near.z - near.y) * ray.edge.x) / width, 0.0, 1.0);
    let sum = max(x + y + z, 1e-3);
    let covered = clamp(0.5 + min(min(yz, xz), xy) / width, 0.0, 1.0) * f32(t > 0.0);
    return Face(covered, t, width, vec3<f32>(x, y, z) / sum);
}

// Light of a cell where a ray enters its box.
fn cell_colour(slab: Slab, ray: Ray, value: vec2<f32>, face: Face) -> vec3<f32> {
    let at = ray.origin + ray.direction * face.t;
    var tone = colour_of(slab, value.x);
    if value.y < 0.5 {
        // Stripes, three a cell, fading into their mean when they are finer than pixels.
        let wave = abs(fract((at.x + at.y) * 1.5) * 2.0 - 1.0);
        let sharp = clamp((wave - 0.5) / max(3.0 * face.width, 0.02) + 0.5, 0.0, 1.0);
        tone = mix(frame.plate, frame.no_value, mix(sharp, 0.5, clamp(2.0 * face.width, 0.0, 1.0)));
    }
    let foot = mix(FOOT_SHADE, 1.0, clamp(at.z / FOOT_HEIGHT, 0.0, 1.0));
    let shade = vec3<f32>(ray.shade.xy * foot, ray.shade.z);
    return tone * dot(face.weights, shade);
}

// Light of a field of cells too small to be seen one by one: tops, the sides that show in
// the gaps, and the plate between them, each by the share of the picture it takes. `dead` is the
// share of cells without value around.
fn field_colour(slab: Slab, ray: Ray, block: Block, height: f32, spread: f32, dead: f32) -> vec3<f32> {
    let width = 1.0 - GAP;
    let slope = abs(ray.direction.xy) / max(abs(ray.direction.z), 0.02);
    let top = width * width;
    // Sides show as far as the gap lets light in, and where a cell stands above its neighbour
    // (0.56 deviations for independent normal heights).
    let sides = width * (min(vec2<f32>(height) * slope, vec2<f32>(GAP)) + 0.56 * spread * slope);
    let floor_share = max(1.0 - top - sides.x - sides.y, 0.0);
    let total = top + sides.x + sides.y + floor_share;
    let foot = mix(FOOT_SHADE, 1.0, clamp((height - 0.5 * GAP / max(max(slope.x, slope.y), 0.01)) / FOOT_HEIGHT, 0.3, 1.0));
    let lit = top * ray.shade.z + foot * (sides.x * ray.shade.x + sides.y * ray.shade.y);
    let valued = max(1.0 - block.no_value - block.absent, 0.0);
    // A flat ray passes over several cells while it comes down, and meets the tall ones first.
    let passed = select(spread * length(slope), 0.0, frame.diverging == 1u);
    let taller = TALLER * log(1.0 + passed);
    let mean = min(block.mean + taller * block.deviation, block.greatest);
    // A few cells without value are marked stronger than their share: they must not vanish.
    let none = block.no_value / max(valued + block.no_value, 1e-3);
    let tone = mix(
        mean_colour(slab, mean, block.deviation / (1.0 + 0.5 * taller)),
        mix(frame.plate, frame.no_value, 0.5),
        max(none, 0.35 * min(16.0 * dead, 1.0)),
    );
    return (tone * lit + frame.plate * (GAP_SHADE * floor_share)) / total;
}

// How much a lone peak shows through the mean of its block: a hot cell must not vanish, and a block
// with many of them must not brighten. One of n cells can stand at most sqrt(n - 1) deviations out.
fn lone_peak(block: Block, level: u32) -> f32 {
    if level < 2u {
        return 0.0;
    }
    let most = f32(1i << min(level, 12u));
    let out = abs(block.greatest - block.mean) / max(block.deviation, 1e-12);
    return 0.6 * smoothstep(0.7, 0.95, out / most) * (1.0 - block.no_value);
}

// Where a ray is on its walk.
struct Walk {
    t: f32,
    level: u32,
    cell: vec2<i32>,
}

// Into the next block on the ray's way, and up a level when that leaves the parent. False when
// there is none.
fn walk_on(walk: ptr<function, Walk>, crossing: vec2<f32>, leave: f32, stride: vec2<i32>, slab: Slab) -> bool {
    let before = (*walk).cell;
    let across = crossing.x < crossing.y;
    let cell = before + select(vec2<i32>(0, stride.y), vec2<i32>(stride.x, 0), across);
    let up = (*walk).level < slab.top && any((cell >> vec2<u32>(1u)) != (before >> vec2<u32>(1u)));
    let last = (vec2<i32>(slab.grid) - 1) >> vec2<u32>((*walk).level);
    (*walk).t = leave;
    (*walk).level += u32(up);
    (*walk).cell = select(cell, cell >> vec2<u32>(1u), up);
    return all(cell >= vec2<i32>(0)) && all(cell <= last);
}

fn trace_cells(slab: Slab, ray: Ray, left_before: f32, result: ptr<function, Hit>) -> f32 {
    // The walk is between entering and leaving the space that cells may fill.
    let margin = 0.5 * frame.pixel * max(length(ray.origin), 1.0);
    let a = (vec3<f32>(0.0) - ray.origin) * ray.inverse;
    let b = (vec3<f32>(vec2<f32>(slab.grid), frame.height + margin) - ray.origin) * ray.inverse;
    let near = min(a, b);
    let far = max(a, b);
    let start = max(max(near.x, near.y), max(near.z, 0.0));
    let length_inside = min(min(far.x, far.y), far.z) - start;
    let origin = ray.origin + ray.direction * start;
    let ahead = vec2<i32>(ray.direction.xy > vec2<f32>(0.0));
    let stride = 2 * ahead - 1;
    // Seen at an angle a pixel covers a long strip; blocks as wide as the mean of its two sides.
    let slant = inverseSqrt(max(abs(ray.direction.z), LEAST_SLOPE)) * frame.detail;

    var left = left_before;
    var walk = Walk(0.0, slab.top, vec2<i32>(0));
    walk.cell = clamp(
        vec2<i32>(floor(origin.xy / f32(1i << slab.top))),
        vec2<i32>(0),
        (vec2<i32>(slab.grid) - 1) >> vec2<u32>(slab.top),
    );
    // Two loops, one that only walks and one that only shades: a processor that runs rays in step
    // then shades once per surface met and not once per step.
    var going = length_inside > 0.0;
    var steps = 0u;
    while going {
        var met = false;
        var value = vec2<f32>(0.0);
        var crossing = vec2<f32>(0.0);
        var leave = 0.0;
        var lowest = 0.0;
        var highest = 0.0;
        while going && !met {
            steps += 1u;
            let size = f32(1i << walk.level);
            crossing = (vec2<f32>(walk.cell + ahead) * size - origin.xy) * ray.inverse.xy;
            leave = max(min(min(crossing.x, crossing.y), length_inside), walk.t);
            lowest = origin.z + ray.direction.z * select(walk.t, leave, ray.direction.z < 0.0);
            let width = frame.pixel * (start + walk.t);
            let bounds = bound(slab, walk.level, walk.cell);
            highest = bounds.x + 0.5 * width;
            value = bounds.yz;
            if bounds.x >= 0.0 && lowest <= highest {
                let fine = walk.level == 0u || (FAR && size <= width * slant) || steps > MAX_STEPS;
                if fine {
                    met = true;
                } else {
                    // Into the block that the ray is in when it comes under the greatest height.
                    let under = (highest - origin.z) * ray.inverse.z;
                    walk.t = select(walk.t, clamp(under, walk.t, leave), ray.direction.z < 0.0);
                    walk.level -= 1u;
                    let at = origin.xy + ray.direction.xy * walk.t;
                    let child = vec2<i32>(floor(at / f32(1i << walk.level)));
                    walk.cell = clamp(child, 2 * walk.cell, 2 * walk.cell + 1);
                }
            } else {
                going = walk_on(&walk, crossing, leave, stride, slab) && leave < length_inside;
            }
        }
        if met {
            let width = frame.pixel * (start + walk.t);
            let footprint = width * slant;
            let before = left;
            if FAR {
                // Cells fade into their field while they shrink to a pixel.
                let blend = select(select(1.0, smoothstep(FADE_FROM, FADE_TO, footprint), NEAR), 1.0, walk.level > 0u);
                let at = origin + ray.direction * clamp((0.5 * highest - origin.z) * ray.inverse.z, walk.t, leave);
                let covered = lay_field(slab, ray, walk, at.xy, footprint, width, lowest, left * blend, result);
                left -= left * blend * covered;
                if NEAR && blend < 1.0 {
                    let passed = before * blend * (1.0 - covered);
                    left = passed + lay_cell(slab, ray, walk.cell, value, before * (1.0 - blend), result);
                }
            } else {
                left = lay_cell(slab, ray, walk.cell, value, left, result);
            }
            going = left >= DONE && steps < MAX_STEPS + 64u
                && walk_on(&walk, crossing, leave, stride, slab) && leave < length_inside;
        }
    }
    return left;
}

// Lays a block's mean over `result`, as `weight` of the pixel; returns the share of it that is
// covered.
fn lay_field(
    slab: Slab,
    ray: Ray,
    walk: Walk,
    at_plate: vec2<f32>,
    footprint: f32,
    width: f32,
    lowest: f32,
    weight: f32,
    result: ptr<function, Hit>,
) -> f32 {
    // The four blocks around the point where the ray comes down to half the block's bound.
    let size = f32(1i << walk.level);
    let at = at_plate / size - 0.5;
    let corner = vec2<i32>(floor(at));
    let around = blend_blocks(
        load_block(slab, walk.level, corner),
        load_block(slab, walk.level, corner + vec2<i32>(1, 0)),
        load_block(slab, walk.level, corner + vec2<i32>(0, 1)),
        load_block(slab, walk.level, corner + vec2<i32>(1, 1)),
        at - floor(at),
    );
    // Pixels may lie further apart than blocks of this level: what must not be missed is looked for
    // one level up, to which the field flows over as it gets further away.
    let up = min(walk.level + 1u, slab.top);
    let above = load_block(slab, up, walk.cell >> vec2<u32>(up - walk.level));
    let block = mix_blocks(around, above, clamp(footprint / size - 1.0, 0.0, 1.0));
    let height = height_at((block.mean - slab.low) * slab.inverse_range);
    let spread = block.deviation * abs(slab.inverse_range) * (frame.height - LEAST_HEIGHT);
    // Share of the block's cells that reach the ray; all of it when the ray reaches the plate.
    let reach = clamp(0.5 + (height - lowest) / (3.4 * spread + width), 0.0, 1.0);
    let covered = (1.0 - block.absent) * select(reach, 1.0, lowest <= LEAST_HEIGHT);
    let colour = mix(
        field_colour(slab, ray, block, height, spread, above.no_value),
        colour_of(slab, above.greatest),
        lone_peak(above, up),
    );
    (*result).colour += vec4<f32>(colour, 1.0) * (weight * covered);
    return covered;
}

// Lays one cell over `result`; returns what is left of the ray.
fn lay_cell(
    slab: Slab,
    ray: Ray,
    cell: vec2<i32>,
    value: vec2<f32>,
    left: f32,
    result: ptr<function, Hit>,
) -> f32 {
    let height = select(LEAST_HEIGHT, height_at((value.x - slab.low) * slab.inverse_range), value.y > 0.5);
    let low = vec3<f32>(vec2<f32>(cell) + 0.5 * GAP, 0.0);
    let high = vec3<f32>(vec2<f32>(cell) + (1.0 - 0.5 * GAP), height);
    let face = face_of_box(ray, low, high);
    let first = face.covered >= 0.5 && (*result).cell == 0u;
    (*result).cell = select((*result).cell, 1u + u32(cell.y) * slab.grid.x + u32(cell.x), first);
    (*result).colour += vec4<f32>(cell_colour(slab, ray, value, face), 1.0) * (face.covered * left);
    return left - face.covered * left;
}

// Light of the plate where a ray enters its box.
fn plate_colour(slab: Slab, ray: Ray, face: Face) -> vec3<f32> {
    let at = ray.origin + ray.direction * face.t;
    // Darker among the cells than on the border.
    let beyond = max(max(-at.x, at.x - f32(slab.grid.x)), max(-at.y, at.y - f32(slab.grid.y)));
    let among = clamp(0.5 - beyond / face.width, 0.0, 1.0) * face.weights.z * f32(ray.direction.z < 0.0);
    return frame.plate * (dot(face.weights, ray.shade) * mix(1.0, GAP_SHADE, among));
}

fn trace_plate(slab: Slab, ray: Ray, left: f32, result: ptr<function, Hit>) -> f32 {
    let border = slab.border / slab.pitch;
    let low = vec3<f32>(-border, -border, -slab.thickness / slab.pitch);
    let high = vec3<f32>(vec2<f32>(slab.grid) + border, 0.0);
    let face = face_of_box(ray, low, high);
    let share = face.covered * left;
    (*result).colour += vec4<f32>(plate_colour(slab, ray, face), 1.0) * share;
    return left - share;
}

// A ray from the eye through one plate with its cells.
fn trace(slab: Slab, direction: vec3<f32>) -> Hit {
    let ray = ray_in_plate(slab, frame.eye, direction);
    var result = Hit(vec4<f32>(0.0), 0u);
    var left = 1.0;
    if ray.direction.z > 0.0 {
        // From behind, the plate hides its cells.
        left = trace_plate(slab, ray, left, &result);
        if left >= DONE {
            left = trace_cells(slab, ray, left, &result);
        }
        return result;
    }
    left = trace_cells(slab, ray, left, &result);
    if left >= DONE {
        left = trace_plate(slab, ray, left, &result);
    }
    return result;
}

// Fades what is far into the ground.
fn hazed(colour: vec4<f32>, distance: f32) -> vec4<f32> {
    let haze = frame.haze * smoothstep(frame.haze_near, frame.haze_far, distance);
    return vec4<f32>(mix(colour.rgb, frame.ground * colour.a, haze), colour.a);
}
