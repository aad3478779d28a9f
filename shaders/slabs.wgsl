// Slabs as boxes, one instance each, drawn back to front by their far faces; the cells are found
// inside by casting a ray.

#import "shared/box.wgsl" { box_corner }
#import "shared/frame.wgsl" { Slab, frame, slabs }
#import "shared/light.wgsl" { encoded }
#import "shared/trace.wgsl" { trace }

struct Varying {
    @builtin(position) clip: vec4<f32>,
    // From the eye, world units; not normalised.
    @location(0) sight: vec3<f32>,
    // The members of `Slab`, passed on so that no fragment has to load them.
    @location(1) @interpolate(flat) corner: vec3<f32>,
    @location(2) @interpolate(flat) pitch: f32,
    @location(3) @interpolate(flat) grid: vec2<u32>,
    @location(4) @interpolate(flat) base: vec2<u32>,
    @location(5) @interpolate(flat) page: u32,
    @location(6) @interpolate(flat) top: u32,
    @location(7) @interpolate(flat) low: f32,
    @location(8) @interpolate(flat) inverse_range: f32,
    @location(9) @interpolate(flat) layer: u32,
    @location(10) @interpolate(flat) scale_from: f32,
    @location(11) @interpolate(flat) scale_to: f32,
    @location(12) @interpolate(flat) opacity: f32,
}

// Clip coordinates with the rank of a slab in draw order instead of depth, the nearest highest.
fn ranked(clip: vec4<f32>, place: f32) -> vec4<f32> {
    let rank = place / f32(frame.slabs + 1u);
    return vec4<f32>(clip.xy, rank * clip.w, clip.w);
}

// The area that a slab is certain to hide: its face, without the pixels at its edges. Cells of slabs
// further away are not looked for there.
@vertex
fn vs_occluder(@builtin(vertex_index) vertex: u32, @builtin(instance_index) instance: u32) -> @builtin(position) vec4<f32> {
    let slab = slabs[instance];
    let extent = vec2<f32>(slab.grid) * slab.pitch;
    let behind = frame.eye.z < slab.corner.z;
    let z = slab.corner.z - select(0.0, frame.thickness, behind);
    let low = vec2<f32>(slab.corner.x - frame.border, slab.corner.y - extent.y - frame.border);
    let high = vec2<f32>(slab.corner.x + extent.x + frame.border, slab.corner.y + frame.border);
    let furthest = vec3<f32>(select(low, high, frame.eye.xy < 0.5 * (low + high)), z);
    let away = distance(furthest, frame.eye);
    // At a flat angle, a pixel covers a long part of the slab.
    let slope = abs(frame.eye.z - z) / away;
    let edge = 2.0 * frame.pixel * away / max(slope, 1e-3);
    let corner = vec2<f32>(f32(vertex & 1u), f32(vertex >> 1u));
    let at = mix(low + edge, high - edge, corner);
    if any(low + edge >= high - edge) || slope < 0.05 || slab.opacity < 1.0 {
        return vec4<f32>(0.0, 0.0, 0.0, -1.0);
    }
    // Half a rank further back, so that a slab does not hide itself by rounding.
    return ranked(frame.clip_from_world * vec4<f32>(at, z, 1.0), f32(instance) + 0.5);
}

@vertex
fn vs_main(@builtin(vertex_index) vertex: u32, @builtin(instance_index) instance: u32) -> Varying {
    let slab = slabs[instance];
    let corner = box_corner(vertex);
    let extent = vec2<f32>(slab.grid) * slab.pitch;
    let low = slab.corner + vec3<f32>(-frame.border, -extent.y - frame.border, -frame.thickness);
    let high = slab.corner + vec3<f32>(extent.x + frame.border, frame.border, frame.height * slab.pitch);
    var world = mix(low, high, corner);
    // One pixel wider, so that edges can fade out.
    world += (2.0 * corner - 1.0) * (1.5 * frame.pixel * distance(world, frame.eye));
    return Varying(
        ranked(frame.clip_from_world * vec4<f32>(world, 1.0), f32(instance + 1u)),
        world - frame.eye,
        slab.corner,
        slab.pitch,
        slab.grid,
        slab.base,
        slab.page,
        slab.top,
        slab.low,
        slab.inverse_range,
        slab.layer,
        slab.scale_from,
        slab.scale_to,
        slab.opacity,
    );
}

fn slab_of(in: Varying) -> Slab {
    return Slab(
        in.corner,
        in.pitch,
        in.grid,
        in.base,
        in.page,
        in.top,
        in.low,
        in.inverse_range,
        in.layer,
        in.scale_from,
        in.scale_to,
        in.opacity,
    );
}

@fragment
fn fs_main(in: Varying) -> @location(0) vec4<f32> {
    let slab = slab_of(in);
    let hit = trace(slab, normalize(in.sight));
    return encoded(hit.colour * slab.opacity);
}

// The cell that covers the pixel: (layer + 1, cell + 1).
@fragment
fn fs_cell(in: Varying) -> @location(0) vec2<u32> {
    let hit = trace(slab_of(in), normalize(in.sight));
    if hit.colour.a * in.opacity < 0.5 {
        discard;
    }
    return vec2<u32>(in.layer + 1u, hit.cell);
}
