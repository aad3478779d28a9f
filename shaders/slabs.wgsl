// Plates as boxes, one instance each, drawn back to front by their far faces; the cells are found
// inside by casting a ray.

struct Varying {
    @builtin(position) clip: vec4<f32>,
    // From the eye, world units; not normalised.
    @location(0) sight: vec3<f32>,
    // The plate, handed on so that no fragment has to load it.
    @location(1) @interpolate(flat) corner_pitch: vec4<f32>,
    @location(2) @interpolate(flat) grid_base: vec4<u32>,
    @location(3) @interpolate(flat) page_top_layer: vec4<u32>,
    @location(4) @interpolate(flat) values_shape: vec4<f32>,
}

// A plate's place in the order, the nearest highest, instead of depth.
fn ranked(clip: vec4<f32>, place: f32) -> vec4<f32> {
    let rank = place / f32(frame.slabs + 1u);
    return vec4<f32>(clip.xy, rank * clip.w, clip.w);
}

// What a plate hides for certain: its face, without the pixels at its edges. Cells of plates further
// away are not looked for there.
@vertex
fn vs_occluder(@builtin(vertex_index) vertex: u32, @builtin(instance_index) instance: u32) -> @builtin(position) vec4<f32> {
    let slab = slabs[instance];
    let extent = vec2<f32>(slab.grid) * slab.pitch;
    let behind = frame.eye.z < slab.corner.z;
    let z = slab.corner.z - select(0.0, slab.thickness, behind);
    let low = vec2<f32>(slab.corner.x - slab.border, slab.corner.y - extent.y - slab.border);
    let high = vec2<f32>(slab.corner.x + extent.x + slab.border, slab.corner.y + slab.border);
    let furthest = vec3<f32>(select(low, high, frame.eye.xy < 0.5 * (low + high)), z);
    let away = distance(furthest, frame.eye);
    // Seen flat, a pixel is long on the plate.
    let slope = abs(frame.eye.z - z) / away;
    let edge = 2.0 * frame.pixel * away / max(slope, 1e-3);
    let corner = vec2<f32>(f32(vertex & 1u), f32(vertex >> 1u));
    let at = mix(low + edge, high - edge, corner);
    if any(low + edge >= high - edge) || slope < 0.05 || slab.presence < 1.0 {
        return vec4<f32>(0.0, 0.0, 0.0, -1.0);
    }
    // Half a place back: a plate does not hide itself, however its rank is rounded.
    return ranked(frame.clip_from_world * vec4<f32>(at, z, 1.0), f32(instance) + 0.5);
}

@vertex
fn vs_main(@builtin(vertex_index) vertex: u32, @builtin(instance_index) instance: u32) -> Varying {
    let slab = slabs[instance];
    let corner = box_corner(vertex);
    let extent = vec2<f32>(slab.grid) * slab.pitch;
    let low = slab.corner + vec3<f32>(-slab.border, -extent.y - slab.border, -slab.thickness);
    let high = slab.corner + vec3<f32>(extent.x + slab.border, slab.border, frame.height * slab.pitch);
    var world = mix(low, high, corner);
    // One pixel wider, so that edges can fade out.
    world += (2.0 * corner - 1.0) * (1.5 * frame.pixel * distance(world, frame.eye));
    return Varying(
        ranked(frame.clip_from_world * vec4<f32>(world, 1.0), f32(instance + 1u)),
        world - frame.eye,
        vec4<f32>(slab.corner, slab.pitch),
        vec4<u32>(slab.grid, slab.base),
        vec4<u32>(slab.page, slab.top, slab.layer, bitcast<u32>(slab.presence)),
        vec4<f32>(slab.low, slab.inverse_range, slab.border, slab.thickness),
    );
}

fn slab_of(in: Varying) -> Slab {
    return Slab(
        in.corner_pitch.xyz,
        in.corner_pitch.w,
        in.grid_base.xy,
        in.grid_base.zw,
        in.page_top_layer.x,
        in.page_top_layer.y,
        in.values_shape.x,
        in.values_shape.y,
        in.page_top_layer.z,
        in.values_shape.z,
        in.values_shape.w,
        bitcast<f32>(in.page_top_layer.w),
    );
}

@fragment
fn fs_main(in: Varying) -> @location(0) vec4<f32> {
    let slab = slab_of(in);
    let hit = trace(slab, normalize(in.sight));
    return encoded(hazed(hit.colour * slab.presence, length(in.sight)));
}

// Which cell covers the pixel: (layer + 1, cell + 1).
@fragment
fn fs_cell(in: Varying) -> @location(0) vec2<u32> {
    let hit = trace(slab_of(in), normalize(in.sight));
    if hit.colour.a * bitcast<f32>(in.page_top_layer.w) < 0.5 {
        discard;
    }
    return vec2<u32>(in.page_top_layer.z + 1u, hit.cell);
}
