// The input's picture, upright in front of the first slab.

#import "shared/frame.wgsl" { frame }
#import "shared/light.wgsl" { encoded, light }

struct Picture {
    // World position of the top-left corner, and the picture's edges.
    corner: vec3<f32>,
    width: f32,
    height: f32,
    // A uniform's size is a multiple of 16 bytes.
    padding_a: f32,
    padding_b: f32,
    padding_c: f32,
}

@group(1) @binding(0) var<uniform> picture: Picture;
@group(1) @binding(1) var pixels: texture_2d<f32>;

struct Varying {
    @builtin(position) clip: vec4<f32>,
    // Texture coordinates from the top-left corner.
    @location(0) at: vec2<f32>,
}

@vertex
fn vs_main(@builtin(vertex_index) vertex: u32) -> Varying {
    let at = vec2<f32>(f32(vertex & 1u), f32(vertex >> 1u));
    // Slightly larger, so that edges can fade out.
    let grown = mix(vec2<f32>(-0.05), vec2<f32>(1.05), at);
    let world = picture.corner + vec3<f32>(grown.x * picture.width, -grown.y * picture.height, 0.0);
    return Varying(frame.clip_from_world * vec4<f32>(world, 1.0), grown);
}

@fragment
fn fs_main(in: Varying) -> @location(0) vec4<f32> {
    let size = vec2<f32>(textureDimensions(pixels));
    // Pixels of the picture are drawn as squares, with edges one pixel of the screen wide.
    let position = in.at * size;
    let spread = max(fwidth(position), vec2<f32>(1e-4));
    let nearest = floor(position + 0.5);
    let sharp = nearest + clamp((position - nearest) / spread, vec2<f32>(-0.5), vec2<f32>(0.5));
    let last = vec2<i32>(size) - 1;
    let base = vec2<i32>(floor(sharp - 0.5));
    let part = fract(sharp - 0.5);
    let a = textureLoad(pixels, clamp(base, vec2<i32>(0), last), 0);
    let b = textureLoad(pixels, clamp(base + vec2<i32>(1, 0), vec2<i32>(0), last), 0);
    let c = textureLoad(pixels, clamp(base + vec2<i32>(0, 1), vec2<i32>(0), last), 0);
    let d = textureLoad(pixels, clamp(base + vec2<i32>(1, 1), vec2<i32>(0), last), 0);
    let mixed = mix(mix(a, b, part.x), mix(c, d, part.x), part.y);
    let colour = vec4<f32>(light(mixed.rgb), mixed.a);
    let edge = min(min(in.at.x, 1.0 - in.at.x) * size.x / spread.x, min(in.at.y, 1.0 - in.at.y) * size.y / spread.y);
    let alpha = colour.a * clamp(edge + 0.5, 0.0, 1.0);
    return encoded(vec4<f32>(colour.rgb * alpha, alpha));
}
