// Rows of half floats: four units a quad, two in each word, the first in its low bits.

alias Quad = vec2<u32>;

// Row by row.
@group(0) @binding(1) var<storage, read> data: array<Quad>;

// Bits of a quad's values as single floats. Converted by integer operations: exact on every device,
// also for the smallest values, which devices may flush to zero, and for infinities, which WGSL lets
// them assume absent. Conversion by `f16` is not measurably faster, since reading the values dominates.
fn bits_of(quad: Quad) -> vec4<u32> {
    let halves = vec4<u32>(quad.x & 0xffffu, quad.x >> 16u, quad.y & 0xffffu, quad.y >> 16u);
    let magnitude = halves & vec4<u32>(0x7fffu);
    let normal = (magnitude << vec4<u32>(13u)) + vec4<u32>(112u << 23u);
    let small = bitcast<vec4<u32>>(vec4<f32>(magnitude) * 0x1p-24f);
    let finite = select(normal, small, magnitude < vec4<u32>(0x400u));
    let bits = select(finite, vec4<u32>(0x7f800000u), magnitude >= vec4<u32>(0x7c00u));
    return bits | ((halves & vec4<u32>(0x8000u)) << vec4<u32>(16u));
}
