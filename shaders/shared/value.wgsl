// Cells and blocks of a slab, read from the pyramid, and their heights.

#import "shared/colour.wgsl" { palette_position }
#import "shared/frame.wgsl" { Slab, blocks_from, blocks_to, cells_from, cells_to, frame }

// Set when a pipeline draws pictures between two fields.
override MOVING: bool = true;

// Markers, as in pyramid.rs: stored values lie in [-16384, 16384].
const NO_VALUE_BELOW: f32 = -24576.0;
const NO_CELL_BELOW: f32 = -40960.0;
// Height of a cell of least value, in cells: a tile that can be seen and counted.
const LEAST_HEIGHT: f32 = 0.06;

// A cell or block, interpolated between the two fields.
struct Block {
    // The greatest value (furthest from 0 when diverging) and the mean, in units of the slab.
    greatest: f32,
    mean: f32,
    deviation: f32,
    // Shares of its cells.
    no_value: f32,
    absent: f32,
}

struct Value {
    number: f32,
    // 1 when the cell has a value, 0 when not.
    valued: f32,
}

struct Bound {
    // Upper bound of the heights in a block, negative when it has no cell; of a cell, its height.
    height: f32,
    // Of a cell only.
    value: Value,
}

fn is_cell(stored: f32) -> bool {
    return stored > NO_CELL_BELOW;
}

fn is_valued(stored: f32) -> bool {
    return stored > NO_VALUE_BELOW;
}

// Height of a value, in cells. It grows with the value, so that the sign of a value can be seen without its
// colour: negative ones lie below the rim.
fn height_of(slab: Slab, value: f32) -> f32 {
    return LEAST_HEIGHT + palette_position(slab, value) * (frame.height - LEAST_HEIGHT);
}

// Height of a cell, in cells. Without a value it is a flat tile, level with the rim: not one of the least value.
fn cell_height(slab: Slab, value: Value) -> f32 {
    return select(max(frame.rim, LEAST_HEIGHT), height_of(slab, value.number), value.valued > 0.5);
}

// Texel of a block of 2^level × 2^level cells, level >= 1; z is its pair of pages.
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

// Reads a block, or at level 0 a cell.
fn load_bound(slab: Slab, level: u32, cell: vec2<i32>) -> Bound {
    let texel = cell_texel(slab, level, cell);
    let a = textureLoad(cells_from, texel.xy, texel.z, 0).r;
    var value = a * slab.scale_from;
    var valued = is_valued(a);
    // The value furthest from zero bounds the others from above by its magnitude.
    let furthest = level > 0u && frame.diverging == 1u;
    var bound = select(value, abs(value), furthest);
    if MOVING {
        let b = textureLoad(cells_to, texel.xy, texel.z, 0).r;
        let other = b * slab.scale_to;
        if level > 0u {
            // The greatest of either epoch bounds what lies between them.
            let later = select(other, abs(other), furthest);
            bound = select(select(bound, later, is_valued(b)), max(bound, later), valued && is_valued(b));
            valued = valued || is_valued(b);
        } else {
            // With a value at one epoch only, the nearer epoch is shown as it is.
            let both = valued && is_valued(b);
            let later = frame.t >= 0.5;
            value = select(select(value, other, later), mix(value, other, frame.t), both);
            valued = select(valued, is_valued(b), later) || both;
            bound = value;
        }
    }
    let height = cell_height(slab, Value(bound, f32(valued)));
    return Bound(select(-1.0, height, is_cell(a)), Value(value, f32(valued)));
}

// A texel of `blocks_from` or `blocks_to`: its last channel holds both shares, five bits each.
fn unpacked(texel: vec4<f32>, scale: f32) -> Block {
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

// Interpolates between four neighbouring blocks; means and deviations are weighted by their numbers of
// values.
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

// Reads a block, or at level 0 a cell as a block of one; the nearest inside the grid.
fn load_block(slab: Slab, level: u32, wanted: vec2<i32>) -> Block {
    let cell = clamp(wanted, vec2<i32>(0), (vec2<i32>(slab.grid) - 1) >> vec2<u32>(level));
    let single = load_bound(slab, 0u, cell);
    let texel = block_texel(slab, max(level, 1u), cell);
    var block = unpacked(textureLoad(blocks_from, texel.xy, texel.z, 0), slab.scale_from);
    if MOVING {
        let other = unpacked(textureLoad(blocks_to, texel.xy, texel.z, 0), slab.scale_to);
        block = mix_blocks(block, other, frame.t);
    }
    if level == 0u {
        let value = single.value;
        let present = f32(single.height >= 0.0);
        block = Block(
            value.number,
            value.number * value.valued,
            0.0,
            (1.0 - value.valued) * present,
            1.0 - present,
        );
    }
    return block;
}
