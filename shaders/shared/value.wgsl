// Values of cells and blocks → heights and colours.

// Whether a pipeline is for pictures between two fields.
override MOVING: bool = true;

// Markers, as in pyramid.rs: stored values lie in [-2, 2].
const NO_VALUE_BELOW: f32 = -4.0;
const NO_CELL_BELOW: f32 = -12.0;
// Height of a cell of no value or least value, in cells: a tile that can be seen and counted.
const LEAST_HEIGHT: f32 = 0.06;
// Share of a cell's place that is free (model::layout::CELL_GAP).
const GAP: f32 = 0.12;
// Plate colour between cells: contact darkness.
const GAP_SHADE: f32 = 0.55;
// Shade at the foot of a cell's side.
const FOOT_SHADE: f32 = 0.68;
// Height above the plate at which a side is fully lit, in cells.
const FOOT_HEIGHT: f32 = 0.7;
// Rows of the palette: deviations from 0 to PALETTE_DEVIATION.
const PALETTE_DEVIATION: f32 = 0.5;
const PALETTE_ROWS: f32 = 64.0;
const PALETTE_COLUMNS: f32 = 256.0;

// What a cell or block is between the two fields.
struct Block {
    // The greatest value (furthest from 0 when diverging) and the mean, real values.
    greatest: f32,
    mean: f32,
    deviation: f32,
    // Shares of its cells.
    no_value: f32,
    absent: f32,
}

fn is_cell(stored: f32) -> bool {
    return stored > NO_CELL_BELOW;
}

fn is_valued(stored: f32) -> bool {
    return stored > NO_VALUE_BELOW;
}

// Height in cells of a value at its position in the range.
fn height_at(position: f32) -> f32 {
    let share = select(clamp(position, 0.0, 1.0), min(abs(position), 1.0), frame.diverging == 1u);
    return LEAST_HEIGHT + share * (frame.height - LEAST_HEIGHT);
}

// Texel of a block of 2^level cells, level >= 1; z is its pair of pages.
fn block_texel(slab: Slab, level: u32, cell: vec2<i32>) -> vec3<i32> {
    let half_page = frame.page_size >> 1u;
    let start = vec2<u32>((slab.page & 1u) * half_page, frame.page_size - (frame.page_size >> (level - 1u)));
    return vec3<i32>(vec2<i32>(start + (slab.base >> vec2<u32>(level))) + cell, i32(slab.page >> 1u));
}

// Texel of a cell (level 0) or of the greatest of a block; z is the layer.
fn cell_texel(slab: Slab, level: u32, cell: vec2<i32>) -> vec3<i32> {
    let above = block_texel(slab, max(level, 1u), cell) + vec3<i32>(0, 0, i32(frame.pages));
    return select(above, vec3<i32>(vec2<i32>(slab.base) + cell, i32(slab.page)), level == 0u);
}

// x: upper bound of the heights in a block, negative when it has no cell. At level 0 that is the
// cell's height; y is its value, and z is 1 when it has one, 0 when not.
fn bound(slab: Slab, level: u32, cell: vec2<i32>) -> vec3<f32> {
    let texel = cell_texel(slab, level, cell);
    let a = textureLoad(cells_from, texel.xy, texel.z, 0).r;
    var value = a * frame.scale_from;
    var valued = is_valued(a);
    var reach = abs(value);
    if MOVING {
        let b = textureLoad(cells_to, texel.xy, texel.z, 0).r;
        let other = b * frame.scale_to;
        if level > 0u {
            // Either moment's greatest bounds what lies between them.
            let only = select(value, other, is_valued(b));
            value = select(only, max(value, other), valued && is_valued(b));
            reach = select(abs(only), max(reach, abs(other)), valued && is_valued(b));
            valued = valued || is_valued(b);
        } else {
            // With a value on one side only, the nearer moment is shown as it is.
            let both = valued && is_valued(b);
            let later = frame.t >= 0.5;
            value = select(select(value, other, later), mix(value, other, frame.t), both);
            valued = select(valued, is_valued(b), later) || both;
            reach = abs(value);
        }
    }
    let bounding = select(value, reach, frame.diverging == 1u);
    let height = select(LEAST_HEIGHT, height_at((bounding - slab.low) * slab.inverse_range), valued);
    return vec3<f32>(select(-1.0, height, is_cell(a)), value, f32(valued));
}

fn unpack(texel: vec4<f32>, scale: f32) -> Block {
    let shares = u32(max(texel.w, 0.0) + 0.5);
    return Block(
        texel.x * scale,
        texel.y * scale,
        texel.z * scale,
        f32(shares & 31u) / 31.0,
        f32(shares >> 5u) / 31.0,
    );
}

fn mix_blocks(a: Block, b: Block, t: f32) -> Block {
    return Block(
        mix(a.greatest, b.greatest, t),
        mix(a.mean, b.mean, t),
        mix(a.deviation, b.deviation, t),
        mix(a.no_value, b.no_value, t),
        mix(a.absent, b.absent, t),
    );
}

// Between four neighbouring blocks; means and spreads count by how many values they are of.
fn blend_blocks(a: Block, b: Block, c: Block, d: Block, part: vec2<f32>) -> Block {
    let w = vec4<f32>((1.0 - part.x) * (1.0 - part.y), part.x * (1.0 - part.y), (1.0 - part.x) * part.y, part.x * part.y);
    let no_value = vec4<f32>(a.no_value, b.no_value, c.no_value, d.no_value);
    let absent = vec4<f32>(a.absent, b.absent, c.absent, d.absent);
    let valued = w * max(1.0 - no_value - absent, vec4<f32>(0.0));
    let share = valued / max(dot(valued, vec4<f32>(1.0)), 1e-6);
    let means = vec4<f32>(a.mean, b.mean, c.mean, d.mean);
    let deviations = vec4<f32>(a.deviation, b.deviation, c.deviation, d.deviation);
    let mean = dot(share, means);
    let apart = means - mean;
    return Block(
        max(max(a.greatest, b.greatest), max(c.greatest, d.greatest)),
        mean,
        sqrt(dot(share, deviations * deviations + apart * apart)),
        dot(w, no_value),
        dot(w, absent),
    );
}

fn load_block(slab: Slab, level: u32, wanted: vec2<i32>) -> Block {
    let cell = clamp(wanted, vec2<i32>(0), (vec2<i32>(slab.grid) - 1) >> vec2<u32>(level));
    let single = bound(slab, 0u, cell);
    let texel = block_texel(slab, max(level, 1u), cell);
    var block = unpack(textureLoad(blocks_from, texel.xy, texel.z, 0), frame.scale_from);
    if MOVING {
        let other = unpack(textureLoad(blocks_to, texel.xy, texel.z, 0), frame.scale_to);
        block = mix_blocks(block, other, frame.t);
    }
    if level == 0u {
        let present = f32(single.x >= 0.0);
        block = Block(single.y, single.y * single.z, 0.0, (1.0 - single.z) * present, 1.0 - present);
    }
    return block;
}

// Column of the palette, in [0, 1].
fn palette_position(slab: Slab, value: f32) -> f32 {
    let position = (value - slab.low) * slab.inverse_range;
    return clamp(select(position, 0.5 + 0.5 * position, frame.diverging == 1u), 0.0, 1.0);
}

// Light of one value: exactly the legend's colour.
fn colour_of(slab: Slab, value: f32) -> vec3<f32> {
    let column = i32(palette_position(slab, value) * (PALETTE_COLUMNS - 1.0) + 0.5);
    return light(unpack4x8unorm(palette[column]).rgb);
}

// Mean light of values spread around a mean.
fn mean_colour(slab: Slab, mean: f32, deviation: f32) -> vec3<f32> {
    let spread = deviation * abs(slab.inverse_range) * select(1.0, 0.5, frame.diverging == 1u);
    let column = i32(palette_position(slab, mean) * (PALETTE_COLUMNS - 1.0) + 0.5);
    let row = i32(min(spread / PALETTE_DEVIATION, 1.0) * (PALETTE_ROWS - 1.0) + 0.5);
    return light(unpack4x8unorm(palette[row * i32(PALETTE_COLUMNS) + column]).rgb);
}

// Light from an sRGB-encoded colour. Light is taken as the square: within 0.02 of the exact curve
// wherever colours are mixed, exact where they are not, and a fraction of its cost.
fn light(colour: vec3<f32>) -> vec3<f32> {
    return colour * colour;
}

// Light premultiplied by alpha → sRGB-encoded, premultiplied by alpha.
fn encoded(colour: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(sqrt(max(colour.rgb / max(colour.a, 1e-4), vec3<f32>(0.0))) * colour.a, colour.a);
}
