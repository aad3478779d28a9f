// Values of units or of cells → the cells of a rectangle of a tile, divided by the scale of their slab.
//
// Threads: WORKGROUP × WORKGROUP cells of `rectangle`. In: `units`, and `order` where units are not in the
// order of the network. Out: `values`, the cells of the tile, as pyramid.wgsl reads them. All values are
// bits of single floats: a device may assume that there is no NaN, and may take the least numbers for zero.

const WORKGROUP: u32 = 8u;
// Bits of minus infinity, which marks a grid position without a cell (LayerCells::NO_CELL).
const ABSENT_BITS: u32 = 0xff800000u;
// In place of an index into `order`: none, units are in the order of the network.
const AS_TRAINED: u32 = 0xffffffffu;

struct Rectangle {
    // Left column and top row in the tile.
    x: u32,
    y: u32,
    columns: u32,
    rows: u32,
    // Of the cells of the slab, row by row: number of those before the first of the rectangle, and from one
    // row to the next. From number `count` on there are no cells.
    skipped: u32,
    stride: u32,
    count: u32,
    // Index of the value of unit 0 in `units`.
    first: u32,
    // Index of the unit of cell 0 in `order`, or AS_TRAINED.
    order: u32,
    // Exponent of the power of two by which values are multiplied.
    shift: i32,
    // Cells on each side of the tile.
    edge: u32,
    // Makes a rectangle three vectors of 16 bytes.
    padding: u32,
}

@group(0) @binding(0) var<uniform> rectangle: Rectangle;
@group(0) @binding(1) var<storage, read> units: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read_write> values: array<u32>;

// Bits of a value times 2^shift. Infinity and NaN stay what they are; products below 2^-126 become zero,
// as they do in half floats.
fn scaled(bits: u32) -> u32 {
    let magnitude = bits & 0x7fffffffu;
    if magnitude >= 0x7f800000u {
        return bits;
    }
    // A number below 2^-126 as one that is 2^149 times as large.
    let is_small = magnitude < 0x00800000u;
    let normal = select(magnitude, bitcast<u32>(f32(magnitude)), is_small);
    let exponent = i32(normal >> 23u) + rectangle.shift - select(0, 149, is_small);
    let product = (normal & 0x007fffffu) | (u32(exponent) << 23u);
    return (bits & 0x80000000u) | select(0u, product, exponent > 0);
}

@compute @workgroup_size(WORKGROUP, WORKGROUP)
fn place(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= rectangle.columns || id.y >= rectangle.rows {
        return;
    }
    let cell = rectangle.skipped + id.y * rectangle.stride + id.x;
    var bits = ABSENT_BITS;
    if cell < rectangle.count {
        var unit = cell;
        if rectangle.order != AS_TRAINED {
            unit = order[rectangle.order + cell];
        }
        bits = scaled(units[rectangle.first + unit]);
    }
    values[(rectangle.y + id.y) * rectangle.edge + rectangle.x + id.x] = bits;
}
