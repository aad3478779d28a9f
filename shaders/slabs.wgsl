// Plates as boxes, one instance each, drawn back to front by their far faces; the cells are found
// inside by casting a ray.

struct Varying {
    @builtin(position) clip: vec4<f32>,
    // From the eye, world units; not normalised.
    @location(0) sight: vec3<f32>,
    @location(1) @interpolate(flat) slab: u32,
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
    return Varying(frame.clip_from_world * vec4<f32>(world, 1.0), world - frame.eye, instance);
}

@fragment
fn fs_main(in: Varying) -> @location(0) vec4<f32> {
    let slab = slabs[in.slab];
    let hit = trace(slab, normalize(in.sight));
    if hit.colour.a <= 0.0 {
        discard;
    }
    return encoded(hazed(hit.colour, length(in.sight)));
}

// Which cell covers the pixel: (layer + 1, cell + 1).
@fragment
fn fs_cell(in: Varying) -> @location(0) vec2<u32> {
    let slab = slabs[in.slab];
    let hit = trace(slab, normalize(in.sight));
    if hit.colour.a < 0.5 {
        discard;
    }
    return vec2<u32>(slab.layer + 1u, hit.cell);
}
