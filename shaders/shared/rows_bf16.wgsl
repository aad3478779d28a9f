// Rows of bfloat16, the upper halves of single floats: four units a quad, the first in the low bits.

alias Quad = vec2<u32>;

// Row by row.
@group(0) @binding(1) var<storage, read> data: array<Quad>;

// Bits of a quad's values as single floats.
fn bits_of(quad: Quad) -> vec4<u32> {
    return vec4<u32>(quad.x << 16u, quad.x & 0xffff0000u, quad.y << 16u, quad.y & 0xffff0000u);
}
