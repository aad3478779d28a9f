// The whole picture in one compute pass: one thread a pixel, slabs front to back until the pixel is
// covered. For devices that compute faster than they rasterise.
//
// Threads: WORKGROUP × WORKGROUP pixels a workgroup. In: group 0. Out: every pixel of `target_image`.

#import "shared/frame.wgsl" { Slab, frame, slabs }
#import "shared/light.wgsl" { encoded }
#import "shared/trace.wgsl" { DONE, trace }

const WORKGROUP: u32 = 8u;

@group(1) @binding(0) var target_image: texture_storage_2d<rgba8unorm, write>;

// Distance at which a ray from the eye leaves the box around a slab; negative when it misses the box.
fn end_of_slab(slab: Slab, inverse: vec3<f32>) -> f32 {
    let extent = vec2<f32>(slab.grid) * slab.pitch;
    let wider = frame.border + 2.0 * frame.pixel * distance(slab.corner, frame.eye);
    let low = slab.corner + vec3<f32>(-wider, -extent.y - wider, -frame.thickness - wider);
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
    // `slabs` is back to front. One loop finds the next slab and one traces it: rays that run in
    // lockstep then trace as often as the one that meets the most slabs, not once per slab.
    var next = frame.slabs;
    while next > 0u && left >= DONE {
        var slab = slabs[next - 1u];
        var far = -1.0;
        while next > 0u && far < 0.0 {
            next -= 1u;
            slab = slabs[next];
            far = end_of_slab(slab, inverse);
        }
        if far >= 0.0 {
            let hit = trace(slab, direction).colour * slab.opacity;
            colour += hit.rgb * left;
            left *= 1.0 - hit.a;
        }
    }
    let whole = vec4<f32>(colour + frame.ground_colour * left, 1.0);
    textureStore(target_image, vec2<i32>(id.xy), encoded(whole));
}
