// Rows of single floats: four units a quad.

alias Quad = vec4<u32>;

// Row by row.
@group(0) @binding(1) var<storage, read> data: array<Quad>;

// Bits of a quad's values as single floats.
fn bits_of(quad: Quad) -> vec4<u32> {
    return quad;
}
