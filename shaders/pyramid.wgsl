// Values of a square of cells → half floats, and above them the greatest, mean, deviation and shares
// of every block, level by level. The counterpart of pyramid.rs.
//
// Threads: WORKGROUP × WORKGROUP pairs of neighbouring cells or blocks. In: of `cells`, `values`, which
// it replaces by the stored ones; of `blocks`, those (FIRST) or `below`. Out: `greatest` and `texels`,
// ready to be copied to textures, and `above`, the blocks that the next level reads.

const WORKGROUP: u32 = 8u;

// Markers, and steps of the shares, as in pyramid.rs.
const NO_VALUE: f32 = -32768.0;
const NO_CELL: f32 = -49152.0;
const SHARE_STEPS: f32 = 31.0;
// Bits of minus infinity, which marks a grid position without a cell (LayerCells::NO_CELL).
const ABSENT_BITS: u32 = 0xff800000u;

// Set when the level below is that of the cells.
override FIRST: bool = true;

struct Level {
    // Cells or blocks on each side, a power of two.
    edge: u32,
    // First word of the level in `greatest`, and words from a row to the next; two blocks a word.
    greatest: u32,
    greatest_row: u32,
    // The same in `texels`.
    texels: u32,
    texels_row: u32,
    // 1 if the greatest value is the one furthest from zero, else 0.
    is_signed: u32,
    // A uniform's size is a multiple of 16 bytes.
    padding_a: u32,
    padding_b: u32,
}

struct Block {
    greatest: f32,
    mean: f32,
    variance: f32,
    // Shares of the cells with and without a value; the rest is absent.
    valued: f32,
    no_value: f32,
}

@group(0) @binding(0) var<uniform> level: Level;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
@group(0) @binding(2) var<storage, read> below: array<Block>;
@group(0) @binding(3) var<storage, read_write> above: array<Block>;
@group(0) @binding(4) var<storage, read_write> greatest: array<u32>;
@group(0) @binding(5) var<storage, read_write> texels: array<vec2<u32>>;

// Bits of a half float, rounded to nearest, ties to even, which pack2x16float does not guarantee. For
// magnitudes below 65504.
fn half_bits(value: f32) -> u32 {
    let bits = bitcast<u32>(value);
    let magnitude = bits & 0x7fffffffu;
    let normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13u) & 1u)) >> 13u;
    let small = u32(round(bitcast<f32>(magnitude) * 0x1p24f));
    return ((bits >> 16u) & 0x8000u) | select(normal, small, magnitude < 0x38800000u);
}

// Value of a half float, from its bits.
fn of_half(half: u32) -> f32 {
    let magnitude = half & 0x7fffu;
    let normal = bitcast<f32>((magnitude << 13u) + (112u << 23u));
    let value = select(normal, f32(magnitude) * 0x1p-24f, magnitude < 0x400u);
    return select(value, -value, (half & 0x8000u) != 0u);
}

// Bits of the half float that a value, or its absence, is stored as.
fn stored(value: f32) -> u32 {
    let bits = bitcast<u32>(value);
    let finite = (bits & 0x7f800000u) != 0x7f800000u;
    // Values that are not finite are not multiplied: a device may assume that there are none.
    let number = bitcast<f32>(select(0u, bits, finite));
    let marker = select(NO_VALUE, NO_CELL, bits == ABSENT_BITS);
    return half_bits(select(marker, number, finite));
}

@compute @workgroup_size(WORKGROUP, WORKGROUP)
fn cells(@builtin(global_invocation_id) id: vec3<u32>) {
    if 2u * id.x >= level.edge || id.y >= level.edge {
        return;
    }
    let at = id.y * level.edge + 2u * id.x;
    let left = stored(values[at]);
    let right = stored(values[at + 1u]);
    values[at] = of_half(left);
    values[at + 1u] = of_half(right);
    greatest[level.greatest + id.y * level.greatest_row + id.x] = left | (right << 16u);
}

// A cell or block of the level below.
fn part(at: u32) -> Block {
    if FIRST {
        let value = values[at];
        if value <= NO_CELL {
            return Block(NO_CELL, 0.0, 0.0, 0.0, 0.0);
        }
        if value <= NO_VALUE {
            return Block(NO_VALUE, 0.0, 0.0, 0.0, 1.0);
        }
        return Block(value, value, 0.0, 1.0, 0.0);
    }
    return below[at];
}

// The greater of two values, or of the absolute ones. Markers lie below every value, so that the maximum
// prefers values to them.
fn greater(a: f32, b: f32) -> f32 {
    if level.is_signed == 1u && a > NO_VALUE && b > NO_VALUE {
        return select(a, b, abs(b) > abs(a));
    }
    return max(a, b);
}

// The block of four blocks of equal size.
fn merged(a: Block, b: Block, c: Block, d: Block) -> Block {
    let valued = vec4<f32>(a.valued, b.valued, c.valued, d.valued);
    let means = vec4<f32>(a.mean, b.mean, c.mean, d.mean);
    let variances = vec4<f32>(a.variance, b.variance, c.variance, d.variance);
    let all = valued.x + valued.y + valued.z + valued.w;
    let share = 1.0 / select(1.0, all, all > 0.0);
    let mean = dot(valued, means) * share;
    let apart = means - mean;
    return Block(
        greater(greater(a.greatest, b.greatest), greater(c.greatest, d.greatest)),
        mean,
        dot(valued, variances + apart * apart) * share,
        all / 4.0,
        (a.no_value + b.no_value + c.no_value + d.no_value) / 4.0,
    );
}

// Writes the block at (x, y) of this level to `above` and `texels`; returns the bits of its greatest.
fn block(x: u32, y: u32) -> u32 {
    let wide = 2u * level.edge;
    let at = 2u * y * wide + 2u * x;
    let whole = merged(part(at), part(at + 1u), part(at + wide), part(at + wide + 1u));
    above[y * level.edge + x] = whole;
    let top = half_bits(whole.greatest);
    // A share that is not zero is never rounded to zero: a dead cell must not vanish.
    let no_value = ceil(whole.no_value * SHARE_STEPS);
    let absent = floor(max(1.0 - whole.valued - whole.no_value, 0.0) * SHARE_STEPS + 0.5);
    texels[level.texels + y * level.texels_row + x] = vec2<u32>(
        top | (half_bits(whole.mean) << 16u),
        half_bits(sqrt(whole.variance)) | (half_bits(no_value + 32.0 * absent) << 16u),
    );
    return top;
}

@compute @workgroup_size(WORKGROUP, WORKGROUP)
fn blocks(@builtin(global_invocation_id) id: vec3<u32>) {
    if 2u * id.x >= level.edge || id.y >= level.edge {
        return;
    }
    let left = block(2u * id.x, id.y);
    var right = 0u;
    if 2u * id.x + 1u < level.edge {
        right = block(2u * id.x + 1u, id.y);
    }
    greatest[level.greatest + id.y * level.greatest_row + id.x] = left | (right << 16u);
}
