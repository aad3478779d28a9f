// Rows of single floats: four units a quad.

alias Quad = vec4<u32>;

fn bits_of(quad: Quad) -> vec4<u32> {
    return quad;
}
