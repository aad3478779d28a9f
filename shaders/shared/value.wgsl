// Values of cells and blocks → heights and colours.

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
const PALETTE_ROWS: f32 = 16.0;
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

// Stored greatest value of a block of 2^level cells (the cell itself at level 0).
fn load_greatest(slab: Slab, level: u32, cell: vec2<i32>, to: bool) -> f32 {
    let texel = vec2<i32>(slab.base >> vec2<u32>(level)) + cell;
    if level == 0u {
        if to {
            return textureLoad(cells_to, texel, slab.page, 0).r;
        }
        return textureLoad(cells_from, texel, slab.page, 0).r;
    }
    if to {
        return textureLoad(levels_to, texel, slab.page, i32(level) - 1).r;
    }
    return textureLoad(levels_from, texel, slab.page, i32(level) - 1).r;
}

// Upper bound of the heights in a block; negative when it has no cell.
fn bound(slab: Slab, level: u32, cell: vec2<i32>) -> f32 {
    let a = load_greatest(slab, level, cell, false);
    if !is_cell(a) {
        return -1.0;
    }
    var value = a * frame.scale_from;
    if frame.t > 0.0 {
        let b = load_greatest(slab, level, cell, true);
        if is_valued(a) && is_valued(b) {
            value = mix(value, b * frame.scale_to, frame.t);
            if frame.diverging == 1u {
                value = mix(abs(a) * frame.scale_from, abs(b) * frame.scale_to, frame.t);
            }
        } else if is_valued(b) {
            return height_at((b * frame.scale_to - slab.low) * slab.inverse_range);
        }
    }
    if !is_valued(a) {
        return LEAST_HEIGHT;
    }
    return height_at((value - slab.low) * slab.inverse_range);
}

// The value of one cell: x is the value, y is 1 when it has one, 0 when not.
fn cell_value(slab: Slab, cell: vec2<i32>) -> vec2<f32> {
    let a = load_greatest(slab, 0u, cell, false);
    if frame.t <= 0.0 {
        return vec2<f32>(a * frame.scale_from, f32(is_valued(a)));
    }
    let b = load_greatest(slab, 0u, cell, true);
    if is_valued(a) && is_valued(b) {
        return vec2<f32>(mix(a * frame.scale_from, b * frame.scale_to, frame.t), 1.0);
    }
    // A value on one side only: the nearer moment is shown as it is.
    if frame.t < 0.5 {
        return vec2<f32>(a * frame.scale_from, f32(is_valued(a)));
    }
    return vec2<f32>(b * frame.scale_to, f32(is_valued(b)));
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

fn load_block(slab: Slab, level: u32, cell: vec2<i32>) -> Block {
    if level == 0u {
        let stored = load_greatest(slab, 0u, cell, false);
        let value = cell_value(slab, cell);
        let present = f32(is_cell(stored));
        return Block(value.x, value.x * value.y, 0.0, (1.0 - value.y) * present, 1.0 - present);
    }
    let texel = vec2<i32>(slab.base >> vec2<u32>(level)) + cell;
    let a = unpack(textureLoad(levels_from, texel, slab.page, i32(level) - 1), frame.scale_from);
    if frame.t <= 0.0 {
        return a;
    }
    let b = unpack(textureLoad(levels_to, texel, slab.page, i32(level) - 1), frame.scale_to);
    return mix_blocks(a, b, frame.t);
}

// Column of the palette, in [0, 1].
fn palette_position(slab: Slab, value: f32) -> f32 {
    let position = (value - slab.low) * slab.inverse_range;
    return clamp(select(position, 0.5 + 0.5 * position, frame.diverging == 1u), 0.0, 1.0);
}

// Colour of one value, linear light: exactly the legend's.
fn colour_of(slab: Slab, value: f32) -> vec3<f32> {
    let column = i32(palette_position(slab, value) * (PALETTE_COLUMNS - 1.0) + 0.5);
    return textureLoad(palette, vec2<i32>(column, 0), 0).rgb;
}

// Mean colour of values spread around a mean, linear light.
fn mean_colour(slab: Slab, mean: f32, deviation: f32) -> vec3<f32> {
    let spread = deviation * abs(slab.inverse_range) * select(1.0, 0.5, frame.diverging == 1u);
    let column = palette_position(slab, mean) * (PALETTE_COLUMNS - 1.0) + 0.5;
    let row = min(spread / PALETTE_DEVIATION, 1.0) * (PALETTE_ROWS - 1.0) + 0.5;
    let at = vec2<f32>(column / PALETTE_COLUMNS, row / PALETTE_ROWS);
    return textureSampleLevel(palette, palette_sampler, at, 0.0).rgb;
}

// Linear light → sRGB-encoded, premultiplied by alpha.
fn encoded(colour: vec4<f32>) -> vec4<f32> {
    let linear = clamp(colour.rgb / max(colour.a, 1e-4), vec3<f32>(0.0), vec3<f32>(1.0));
    let low = linear * 12.92;
    let high = 1.055 * pow(linear, vec3<f32>(1.0 / 2.4)) - 0.055;
    return vec4<f32>(select(high, low, linear <= vec3<f32>(0.0031308)) * colour.a, colour.a);
}
