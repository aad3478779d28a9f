// Rows of bytes: four units a quad, the first in the lowest bits. `data` begins with the values of the
// 256 bytes, as the CPU computed them: the device may round otherwise, and then a unit at zero would
// count as firing here and not there.

alias Quad = u32;

// Row by row.
@group(0) @binding(1) var<storage, read> data: array<Quad>;

// Bits of a quad's values as single floats.
fn bits_of(quad: Quad) -> vec4<u32> {
    return vec4<u32>(
        data[quad & 0xffu],
        data[(quad >> 8u) & 0xffu],
        data[(quad >> 16u) & 0xffu],
        data[quad >> 24u],
    );
}
