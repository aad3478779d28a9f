// Rows of bytes: four units a quad, the first in the lowest bits. Before the rows stand the 256 values
// that bytes mean, as the CPU computed them: a sum on the device may round otherwise, and then a unit
// at zero would fire here and not there.

alias Quad = u32;

fn bits_of(quad: Quad) -> vec4<u32> {
    return vec4<u32>(
        data[quad & 0xffu],
        data[(quad >> 8u) & 0xffu],
        data[(quad >> 16u) & 0xffu],
        data[quad >> 24u],
    );
}
