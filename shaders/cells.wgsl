// Every cell as an instanced box of three visible faces, with a depth buffer. The reference that the
// ray-cast is tested against, and the baseline that it is measured against.

#import "shared/frame.wgsl" { Slab, frame, slabs }
#import "shared/light.wgsl" { encoded }
#import "shared/ray.wgsl" { Face, ray_in_slab }
#import "shared/surface.wgsl" { GAP, cell_light, share_among, slab_light }
#import "shared/value.wgsl" { Value, load_bound }

// Index in `slabs` of the slab that is drawn.
@group(1) @binding(0) var<uniform> drawn: u32;

struct Varying {
    @builtin(position) clip: vec4<f32>,
    // Slab coordinates.
    @location(0) at: vec3<f32>,
    // The members of `Value`.
    @location(1) @interpolate(flat) number: f32,
    @location(2) @interpolate(flat) valued: f32,
    // 1 + index of the cell, 0 for the slab.
    @location(3) @interpolate(flat) cell: u32,
    // Axis that the face is normal to.
    @location(4) @interpolate(flat) axis: u32,
}

// Clip coordinates of a corner, in [0, 1]³, of a box in slab coordinates.
fn placed(slab: Slab, low: vec3<f32>, high: vec3<f32>, corner: vec3<f32>) -> vec4<f32> {
    let at = mix(low, high, corner);
    return frame.clip_from_world * vec4<f32>(slab.corner + at * vec3<f32>(1.0, -1.0, 1.0) * slab.pitch, 1.0);
}

// Corners of 18 vertices: of each axis, the face that is turned to the eye.
fn visible_corner(vertex: u32, low: vec3<f32>, high: vec3<f32>, eye: vec3<f32>) -> vec3<f32> {
    let axis = vertex / 6u;
    var quads = array<vec2<f32>, 6>(
        vec2<f32>(0.0, 0.0), vec2<f32>(1.0, 0.0), vec2<f32>(0.0, 1.0),
        vec2<f32>(0.0, 1.0), vec2<f32>(1.0, 0.0), vec2<f32>(1.0, 1.0),
    );
    let q = quads[vertex % 6u];
    let facing = select(vec3<f32>(0.0), vec3<f32>(1.0), eye > 0.5 * (low + high));
    if axis == 0u {
        return vec3<f32>(facing.x, q);
    }
    if axis == 1u {
        return vec3<f32>(q.x, facing.y, q.y);
    }
    return vec3<f32>(q, facing.z);
}

@vertex
fn vs_cell(@builtin(vertex_index) vertex: u32, @builtin(instance_index) index: u32) -> Varying {
    let slab = slabs[drawn];
    let cell = vec2<i32>(vec2<u32>(index % slab.grid.x, index / slab.grid.x));
    let shown = load_bound(slab, 0u, cell);
    let height = max(shown.height, 0.0);
    let low = vec3<f32>(vec2<f32>(cell) + 0.5 * GAP, 0.0);
    let high = vec3<f32>(vec2<f32>(cell) + (1.0 - 0.5 * GAP), height);
    let eye = (frame.eye - slab.corner) * vec3<f32>(1.0, -1.0, 1.0) / slab.pitch;
    let corner = visible_corner(vertex, low, high, eye);
    var out = Varying(
        placed(slab, low, high, corner),
        mix(low, high, corner),
        shown.value.number,
        shown.value.valued,
        index + 1u,
        vertex / 6u,
    );
    if shown.height < 0.0 {
        out.clip = vec4<f32>(0.0, 0.0, 0.0, -1.0);
    }
    return out;
}

// Instance 0 is the slab up to the bottom between its cells, 1 to 4 are the sides of its rim.
@vertex
fn vs_slab(@builtin(vertex_index) vertex: u32, @builtin(instance_index) part: u32) -> Varying {
    let slab = slabs[drawn];
    let border = frame.border / slab.pitch;
    let grid = vec2<f32>(slab.grid);
    var low = vec3<f32>(-border, -border, -frame.thickness / slab.pitch);
    var high = vec3<f32>(grid + border, 0.0);
    if part > 0u {
        low.z = 0.0;
        high.z = frame.rim;
    }
    switch part {
        case 1u { high.x = 0.0; }
        case 2u { low.x = grid.x; }
        case 3u { high.y = 0.0; }
        case 4u { low.y = grid.y; }
        default {}
    }
    let eye = (frame.eye - slab.corner) * vec3<f32>(1.0, -1.0, 1.0) / slab.pitch;
    let corner = visible_corner(vertex, low, high, eye);
    return Varying(placed(slab, low, high, corner), mix(low, high, corner), 0.0, 0.0, 0u, vertex / 6u);
}

@fragment
fn fs_main(in: Varying) -> @location(0) vec4<f32> {
    let slab = slabs[drawn];
    let eye = (frame.eye - slab.corner) * vec3<f32>(1.0, -1.0, 1.0) / slab.pitch;
    let distance = length(in.at - eye);
    var ray = ray_in_slab(slab, frame.eye, (in.at - eye) * vec3<f32>(1.0, -1.0, 1.0) / distance);
    let weights = select(vec3<f32>(0.0), vec3<f32>(1.0), vec3<u32>(0u, 1u, 2u) == vec3<u32>(in.axis));
    let face = Face(1.0, distance, frame.pixel * distance, weights);
    let grid = vec2<f32>(slab.grid);
    let beyond = max(max(-in.at.x, in.at.x - grid.x), max(-in.at.y, in.at.y - grid.y));
    let is_top = in.axis == 2u && in.at.z > 0.5 * frame.rim;
    let is_inside = beyond < 0.5 * frame.border / slab.pitch && !is_top;
    let among = select(share_among(slab, ray, face), f32(is_inside), frame.rim > 0.0);
    var colour = slab_light(slab, ray, face, among);
    if in.cell > 0u {
        colour = cell_light(slab, ray, Value(in.number, in.valued), face);
    }
    return encoded(vec4<f32>(colour, 1.0));
}

@fragment
fn fs_cell(in: Varying) -> @location(0) vec2<u32> {
    return vec2<u32>(slabs[drawn].layer + 1u, in.cell);
}
