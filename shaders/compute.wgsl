// The whole picture in one compute pass: one thread a pixel, plates front to back until the pixel is
// full. For devices that compute faster than they rasterise.
//
// Threads: WORKGROUP × WORKGROUP pixels a workgroup. In: group 0. Out: every pixel of `target_image`.

const WORKGROUP: u32 = 8u;

@group(1) @binding(0) var target_image: texture_storage_2d<rgba8unorm, write>;

// Where a ray from the eye leaves the box around a plate; negative when it misses it.
fn beyond_plate(slab: Slab, inverse: vec3<f32>) -> f32 {
    let extent = vec2<f32>(slab.grid) * slab.pitch;
    let wider = slab.border + 2.0 * frame.pixel * distance(slab.corner, frame.eye);
    let low = slab.corner + vec3<f32>(-wider, -extent.y - wider, -slab.thickness - wider);
    let high = slab.corner + vec3<f32>(extent.x + wider, wider, frame.height * slab.pitch + wider);
    let a = (low - frame.eye) * inverse;
    let b = (high - frame.eye) * inverse;
    let near = max(max(min(a.x, b.x), min(a.y, b.y)), min(a.z, b.z));
    let far = min(min(max(a.x, b.x), max(a.y, b.y)), max(a.z, b.z));
    return select(-1.0, far, far > max(near, 0.0));
}

@compute @workgroup_size(WORKGROUP, WORKGROUP)
fn cs_main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= frame.width || id.y >= frame.height_px {
        return;
    }
    let sight = frame.forward + f32(id.x) * frame.across + f32(id.y) * frame.down;
    let direction = normalize(sight);
    let inverse = 1.0 / select(direction, vec3<f32>(1e-6), abs(direction) < vec3<f32>(1e-6));
    var colour = vec3<f32>(0.0);
    var left = 1.0;
    // Plates are kept back to front. One loop finds the next plate and one looks into it: rays that
    // run in step then look as often as the one that meets the most plates, not once per plate.
    var next = frame.slabs;
    while next > 0u && left >= DONE {
        var slab = slabs[next - 1u];
        var far = -1.0;
        while next > 0u && far < 0.0 {
            next -= 1u;
            slab = slabs[next];
            far = beyond_plate(slab, inverse);
        }
        if far >= 0.0 {
            let hit = hazed(trace(slab, direction).colour * slab.presence, far);
            colour += hit.rgb * left;
            left *= 1.0 - hit.a;
        }
    }
    let whole = vec4<f32>(colour + frame.ground * left, 1.0);
    textureStore(target_image, vec2<i32>(id.xy), encoded(whole));
}
