// Rows of half floats: four units a quad, two in each half, the first in its low bits.

alias Quad = vec2<u32>;

// The bits of the same values as single floats. By integers: exact everywhere, also for the smallest,
// which devices may take for zero when they convert, and for infinities, which WGSL lets them assume
// away. Where the device has `f16` it saves nothing that matters beside reading the values.
fn bits_of(quad: Quad) -> vec4<u32> {
    let halves = vec4<u32>(quad.x & 0xffffu, quad.x >> 16u, quad.y & 0xffffu, quad.y >> 16u);
    let magnitude = halves & vec4<u32>(0x7fffu);
    let normal = (magnitude << vec4<u32>(13u)) + vec4<u32>(112u << 23u);
    let small = bitcast<vec4<u32>>(vec4<f32>(magnitude) * 0x1p-24f);
    let finite = select(normal, small, magnitude < vec4<u32>(0x400u));
    let bits = select(finite, vec4<u32>(0x7f800000u), magnitude >= vec4<u32>(0x7c00u));
    return bits | ((halves & vec4<u32>(0x8000u)) << vec4<u32>(16u));
}
