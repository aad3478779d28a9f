// One ray through one slab: hierarchical walk over the pyramid (maximum mipmaps: Tevs, Ihrke,
// Seidel, 2008), front to back, with the exact share of a pixel that each edge covers.

#import "shared/colour.wgsl" { colour_of, palette_spread }
#import "shared/frame.wgsl" { Slab, frame }
#import "shared/ray.wgsl" { Face, Ray, face_of_box, ray_in_slab }
#import "shared/surface.wgsl" { GAP, cell_light, field_light, outlier_share, share_among, slab_light }
#import "shared/value.wgsl" {
    LEAST_HEIGHT, Value, blend_blocks, cell_height, height_of, load_block, load_bound, mix_blocks,
}

// Set when a pipeline draws slabs on which cells can be larger than pixels, or smaller, or both.
override NEAR: bool = true;
override FAR: bool = true;

// Steps of a walk after which the current block is shaded without descending further.
const MAX_STEPS: u32 = 384u;
// Least slope of a ray for which the level of its blocks is chosen.
const LEAST_SLOPE: f32 = 0.12;
// Widths of a pixel, in cells, between which single cells are blended with the means of blocks.
const FADE_FROM: f32 = 0.4;
const FADE_TO: f32 = 0.9;
// Transmittance below which a ray ends.
const DONE: f32 = 0.01;

struct Hit {
    // Linear light, premultiplied by the share of the pixel that is covered.
    colour: vec4<f32>,
    // The first cell that covers at least half of the pixel: 1 + its index, 0 for none.
    cell: u32,
}

// A slab without its cells, in the pixel of a ray.
struct Body {
    // The box around it, rim included.
    outside: Face,
    // Share of the pixel that it covers in front of the cells: the near part of the rim, or from behind all of it.
    before: f32,
    // Share of the pixel in which the ray passes between the edges of the rim, and what it meets there behind
    // the cells: the bottom or the far part of the rim.
    opening: f32,
    inside: Face,
}

// State of the traversal of the pyramid by a ray.
struct Walk {
    // Distance along the ray from the point at which it enters the bounding box of the cells.
    t: f32,
    level: u32,
    cell: vec2<i32>,
}

// Steps into the next block that the ray crosses, and up a level when that leaves the parent. Returns
// false when there is none.
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

// Casts a ray through the cells of a slab; returns the remaining transmittance.
fn trace_cells(slab: Slab, ray: Ray, left_before: f32, result: ptr<function, Hit>) -> f32 {
    // The walk begins and ends where the ray enters and leaves the bounding box of the cells.
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
    // Two loops, one that only walks and one that only shades: threads that run in lockstep then shade once
    // per surface and not once per step.
    var going = length_inside > 0.0;
    var steps = 0u;
    while going {
        var met = false;
        var value = Value(0.0, 0.0);
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
            let bound = load_bound(slab, walk.level, walk.cell);
            highest = bound.height + 0.5 * width;
            value = bound.value;
            if bound.height >= 0.0 && lowest <= highest {
                let fine = walk.level == 0u || (FAR && size <= width * slant) || steps > MAX_STEPS;
                if fine {
                    met = true;
                } else {
                    // Descends into the child in which the ray falls below the greatest height.
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
                // Cells are blended with the means of blocks while they shrink to a pixel.
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

// Adds a block's mean to `result`, with `weight` of the pixel; returns the covered share of it.
// `at_slab` is a position on the slab, in cells.
fn lay_field(
    slab: Slab,
    ray: Ray,
    walk: Walk,
    at_slab: vec2<f32>,
    footprint: f32,
    width: f32,
    lowest: f32,
    weight: f32,
    result: ptr<function, Hit>,
) -> f32 {
    // The four blocks around the point where the ray comes down to half the block's bound.
    let size = f32(1i << walk.level);
    let at = at_slab / size - 0.5;
    let corner = vec2<i32>(floor(at));
    let around = blend_blocks(
        load_block(slab, walk.level, corner),
        load_block(slab, walk.level, corner + vec2<i32>(1, 0)),
        load_block(slab, walk.level, corner + vec2<i32>(0, 1)),
        load_block(slab, walk.level, corner + vec2<i32>(1, 1)),
        at - floor(at),
    );
    // Pixels may be further apart than blocks of this level: outliers and missing values are read one level
    // up, to which the means are blended with distance.
    let up = min(walk.level + 1u, slab.top);
    let above = load_block(slab, up, walk.cell >> vec2<u32>(up - walk.level));
    let block = mix_blocks(around, above, clamp(footprint / size - 1.0, 0.0, 1.0));
    let height = height_of(slab, block.mean);
    let spread = palette_spread(slab, block.deviation) * (frame.height - LEAST_HEIGHT);
    // Share of the block's cells that reach the ray; all of it when the ray reaches the slab.
    let reach = clamp(0.5 + (height - lowest) / (3.4 * spread + width), 0.0, 1.0);
    let covered = (1.0 - block.absent) * select(reach, 1.0, lowest <= LEAST_HEIGHT);
    let colour = mix(
        field_light(slab, ray, block, height, spread, above.no_value),
        colour_of(slab, above.greatest),
        outlier_share(above, up),
    );
    (*result).colour += vec4<f32>(colour, 1.0) * (weight * covered);
    return covered;
}

// Adds one cell to `result`; returns the remaining transmittance.
fn lay_cell(
    slab: Slab,
    ray: Ray,
    cell: vec2<i32>,
    value: Value,
    left: f32,
    result: ptr<function, Hit>,
) -> f32 {
    let low = vec3<f32>(vec2<f32>(cell) + 0.5 * GAP, 0.0);
    let high = vec3<f32>(vec2<f32>(cell) + (1.0 - 0.5 * GAP), cell_height(slab, value));
    let face = face_of_box(ray, low, high);
    let first = face.covered >= 0.5 && (*result).cell == 0u;
    (*result).cell = select((*result).cell, 1u + u32(cell.y) * slab.grid.x + u32(cell.x), first);
    (*result).colour += vec4<f32>(cell_light(slab, ray, value, face), 1.0) * (face.covered * left);
    return left - face.covered * left;
}

// Intersects a slab without its cells with a ray. From among the cells, a ray that leaves the slab misses the rim.
fn body_of(slab: Slab, ray: Ray) -> Body {
    let border = frame.border / slab.pitch;
    let grid = vec2<f32>(slab.grid);
    let low = vec3<f32>(-border, -border, -frame.thickness / slab.pitch);
    var outside = face_of_box(ray, low, vec3<f32>(grid + border, frame.rim));
    if ray.direction.z > 0.0 || frame.rim == 0.0 {
        // From behind, the slab hides its cells.
        return Body(outside, select(0.0, outside.covered, ray.direction.z > 0.0), 0.0, outside);
    }
    // The ray comes down between the edges of the opening, or on the rim in front of the cells or behind them.
    let a = -ray.origin.xy * ray.inverse.xy;
    let b = (grid - ray.origin.xy) * ray.inverse.xy;
    let near = min(a, b);
    let far = max(a, b);
    let top = (frame.rim - ray.origin.z) * ray.inverse.z;
    let behind_near = (top - near) * ray.edge.yx;
    let before_far = (far - top) * ray.edge.yx;
    var past_rim = min(behind_near.x, behind_near.y);
    var in_opening = min(past_rim, min(before_far.x, before_far.y));
    if top <= 0.0 {
        // The eye is not above the rim: it is beside the slab, or among the cells.
        let among = ray.origin.z > 0.0 && all(near <= vec2<f32>(0.0)) && all(far >= vec2<f32>(0.0));
        past_rim = select(-outside.width, outside.width, among);
        in_opening = past_rim;
        outside.covered = max(outside.covered, f32(among));
    }
    let opening = min(clamp(0.5 + in_opening / outside.width, 0.0, 1.0), outside.covered);
    let before = min(clamp(0.5 - past_rim / outside.width, 0.0, 1.0), outside.covered - opening);
    // Below the opening, the ray ends at the bottom or at a wall.
    let bottom = -ray.origin.z * ray.inverse.z;
    let t = min(bottom, min(far.x, far.y));
    let width = frame.pixel * max(t, 1e-4);
    let x = clamp(0.5 + min((far.y - far.x) * ray.edge.z, (bottom - far.x) * ray.edge.y) / width, 0.0, 1.0);
    let y = clamp(0.5 + min((far.x - far.y) * ray.edge.z, (bottom - far.y) * ray.edge.x) / width, 0.0, 1.0);
    let z = clamp(0.5 + min((far.x - bottom) * ray.edge.y, (far.y - bottom) * ray.edge.x) / width, 0.0, 1.0);
    let weights = vec3<f32>(x, y, z) / max(x + y + z, 1e-3);
    return Body(outside, before, opening, Face(opening, t, width, weights));
}

// Casts a ray from the eye through one slab with its cells.
fn trace(slab: Slab, direction: vec3<f32>) -> Hit {
    let ray = ray_in_slab(slab, frame.eye, direction);
    let body = body_of(slab, ray);
    var result = Hit(vec4<f32>(0.0), 0u);
    var left = 1.0 - body.before;
    if left >= DONE {
        left = trace_cells(slab, ray, left, &result);
    }
    if body.before >= 0.5 {
        result.cell = 0u;
    }
    // Behind the cells lies what they leave of the part that is not covered in front of them.
    let free = left / max(1.0 - body.before, 1e-4);
    let inside = body.opening * free;
    let outside = body.before + (body.outside.covered - body.before - body.opening) * free;
    if outside > 0.0 {
        let among = share_among(slab, ray, body.outside);
        result.colour += vec4<f32>(slab_light(slab, ray, body.outside, among), 1.0) * outside;
    }
    if inside > 0.0 {
        result.colour += vec4<f32>(slab_light(slab, ray, body.inside, 1.0), 1.0) * inside;
    }
    return result;
}
