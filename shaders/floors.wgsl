// Level rectangles below the slabs, one instance each: floors, and the soft shadows of slabs on them.

#import "shared/frame.wgsl" { frame }
#import "shared/light.wgsl" { encoded, hazed }

struct Area {
    // The rectangle that is drawn: (x, z) of its corners, in world units.
    low: vec2<f32>,
    high: vec2<f32>,
    // The rectangle that is dark or light: the same for a floor; a shadow is cut off where its floor ends.
    inner_low: vec2<f32>,
    inner_high: vec2<f32>,
    // World height.
    y: f32,
    // Width over which the edge of the inner rectangle fades, in world units.
    soft: f32,
    // 1 for a shadow, 0 for a floor.
    shadow: f32,
    // Makes an area a multiple of its vectors.
    padding: f32,
}

@group(1) @binding(0) var<storage, read> areas: array<Area>;

// Colour of a floor, from that of the background (0) to that of slabs (1).
const FLOOR: f32 = 0.32;
// Darkness of a shadow on a dark and on a light background.
const DARKNESS: vec2<f32> = vec2<f32>(0.5, 0.16);

struct Varying {
    @builtin(position) clip: vec4<f32>,
    // From the eye, world units; not normalised.
    @location(0) sight: vec3<f32>,
    @location(1) at: vec2<f32>,
    @location(2) @interpolate(flat) inner: vec4<f32>,
    @location(3) @interpolate(flat) soft: f32,
    @location(4) @interpolate(flat) shadow: f32,
}

@vertex
fn vs_main(@builtin(vertex_index) vertex: u32, @builtin(instance_index) instance: u32) -> Varying {
    let area = areas[instance];
    let corner = vec2<f32>(f32(vertex & 1u), f32(vertex >> 1u));
    var at = mix(area.low, area.high, corner);
    // One pixel wider, so that the edge of a floor can fade out.
    let wider = (1.0 - area.shadow) * 1.5 * frame.pixel * distance(vec3<f32>(at.x, area.y, at.y), frame.eye);
    at += (2.0 * corner - 1.0) * wider;
    let world = vec3<f32>(at.x, area.y, at.y);
    return Varying(
        frame.clip_from_world * vec4<f32>(world, 1.0),
        world - frame.eye,
        at,
        vec4<f32>(area.inner_low, area.inner_high),
        area.soft,
        area.shadow,
    );
}

@fragment
fn fs_main(in: Varying) -> @location(0) vec4<f32> {
    let width = max(vec2<f32>(in.soft), max(abs(fwidth(in.at)), vec2<f32>(1e-6)));
    let from_low = clamp((in.at - in.inner.xy) / width + 0.5, vec2<f32>(0.0), vec2<f32>(1.0));
    let from_high = clamp((in.inner.zw - in.at) / width + 0.5, vec2<f32>(0.0), vec2<f32>(1.0));
    // Smooth where the edge is soft.
    let low = from_low * from_low * (3.0 - 2.0 * from_low);
    let high = from_high * from_high * (3.0 - 2.0 * from_high);
    let covered = low.x * low.y * high.x * high.y;
    let brightness = dot(frame.ground_colour, vec3<f32>(0.3333));
    if in.shadow > 0.0 {
        let alpha = covered * mix(DARKNESS.x, DARKNESS.y, clamp(brightness * 1.2, 0.0, 1.0));
        return vec4<f32>(0.0, 0.0, 0.0, alpha);
    }
    let colour = mix(frame.ground_colour, frame.slab_colour, FLOOR);
    return encoded(hazed(vec4<f32>(colour * covered, covered), length(in.sight)));
}
