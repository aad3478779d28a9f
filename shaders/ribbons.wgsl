// Ways of the data as ribbons between slabs, one instance a segment. Ribbons are turned towards the eye. A joint is
// a disc that faces the eye.

#import "shared/frame.wgsl" { frame }
#import "shared/light.wgsl" { encoded, hazed }

struct Segment {
    // World position of one end.
    start: vec3<f32>,
    // World units.
    half_width: f32,
    // The other end.
    finish: vec3<f32>,
    // 1 if the way begins or ends at the highlighted slab, else 0.
    highlighted: f32,
    // Direction of the ribbon at the ends.
    start_tangent: vec3<f32>,
    start_opacity: f32,
    finish_tangent: vec3<f32>,
    finish_opacity: f32,
}

@group(1) @binding(0) var<storage, read> segments: array<Segment>;

// Colour of a plain and of a highlighted ribbon, from that of slabs (0) to that of cells without value (1).
const PLAIN: f32 = 0.22;
const HIGHLIGHTED: f32 = 1.0;
// Least half width, in pixels; a thinner ribbon is drawn more transparent instead.
const THINNEST: f32 = 0.6;

struct Varying {
    @builtin(position) clip: vec4<f32>,
    // From the eye, world units; not normalised.
    @location(0) sight: vec3<f32>,
    // Of a ribbon, y is -1 and 1 at the edges, x is 0; of a disc, 1 away from the middle is the edge.
    @location(1) across: vec2<f32>,
    @location(2) opacity: f32,
    @location(3) @interpolate(flat) highlighted: f32,
    // Width of a pixel in units of across; 0 for a ribbon.
    @location(4) @interpolate(flat) disc: f32,
}

@vertex
fn vs_main(@builtin(vertex_index) vertex: u32, @builtin(instance_index) instance: u32) -> Varying {
    let segment = segments[instance];
    let is_finish = (vertex & 1u) == 1u;
    let at = select(segment.start, segment.finish, is_finish);
    let tangent = select(segment.start_tangent, segment.finish_tangent, is_finish);
    let away = at - frame.eye;
    let facing = cross(tangent, away);
    let size = length(facing);
    // A ribbon seen along its own length has no direction across; any will do.
    var side = vec3<f32>(1.0, 0.0, 0.0);
    if size > 1e-4 * length(away) {
        side = facing / size;
    }
    let pixel = frame.pixel * length(away);
    let shown = max(segment.half_width, THINNEST * pixel);
    // One pixel wider, so that edges can fade out.
    let grown = 1.0 + pixel / shown;
    let corner = grown * (2.0 * vec2<f32>(f32(vertex & 1u), f32(vertex >> 1u)) - 1.0);
    let share = segment.half_width / shown;
    var across = vec2<f32>(0.0, corner.y);
    var world = at + side * (corner.y * shown);
    var opacity = select(segment.start_opacity, segment.finish_opacity, is_finish) * share;
    var disc = 0.0;
    // A joint begins and ends at one point.
    if all(segment.start == segment.finish) {
        let is_steep = abs(away.y) > 0.9 * length(away);
        let right = normalize(cross(away, select(vec3<f32>(0.0, 1.0, 0.0), vec3<f32>(0.0, 0.0, 1.0), is_steep)));
        let up = normalize(cross(right, away));
        across = corner;
        world = at + (right * corner.x + up * corner.y) * shown;
        opacity *= share;
        disc = pixel / shown;
    }
    return Varying(
        frame.clip_from_world * vec4<f32>(world, 1.0),
        world - frame.eye,
        across,
        opacity,
        segment.highlighted,
        disc,
    );
}

@fragment
fn fs_main(in: Varying) -> @location(0) vec4<f32> {
    let from_ribbon = (1.0 - abs(in.across.y)) / max(fwidth(in.across.y), 1e-6);
    let from_disc = (1.0 - length(in.across)) / max(in.disc, 1e-6);
    // Pixels to the edge.
    let edge = select(from_ribbon, from_disc, in.disc > 0.0);
    let alpha = in.opacity * clamp(edge + 0.5, 0.0, 1.0);
    let colour = mix(frame.slab_colour, frame.no_value_colour, mix(PLAIN, HIGHLIGHTED, in.highlighted));
    return encoded(hazed(vec4<f32>(colour * alpha, alpha), length(in.sight)));
}
