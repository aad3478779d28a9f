// Copies a finished picture, pixel by pixel, into the viewport.

// Set when the target encodes linear light on writing.
override LINEAR: bool = false;

@group(0) @binding(0) var picture: texture_2d<f32>;

struct Varying {
    @builtin(position) clip: vec4<f32>,
    // In [0, 1]² from the top-left corner.
    @location(0) at: vec2<f32>,
}

// One triangle over the whole viewport.
@vertex
fn vs_main(@builtin(vertex_index) vertex: u32) -> Varying {
    let at = vec2<f32>(f32(vertex & 1u), f32(vertex >> 1u)) * 2.0;
    return Varying(vec4<f32>(at.x * 2.0 - 1.0, 1.0 - at.y * 2.0, 0.0, 1.0), at);
}

@fragment
fn fs_main(in: Varying) -> @location(0) vec4<f32> {
    let colour = textureLoad(picture, vec2<i32>(in.at * vec2<f32>(textureDimensions(picture))), 0);
    if LINEAR {
        let low = colour.rgb / 12.92;
        let high = pow((colour.rgb + 0.055) / 1.055, vec3<f32>(2.4));
        return vec4<f32>(select(high, low, colour.rgb < vec3<f32>(0.04045)), colour.a);
    }
    return colour;
}
