// Rays in slab coordinates, and boxes that they meet.

#import "shared/frame.wgsl" { Slab, frame }

// A ray in slab coordinates, with precomputed terms that are the same for every cell.
struct Ray {
    origin: vec3<f32>,
    direction: vec3<f32>,
    inverse: vec3<f32>,
    // |d_i d_j| / |(d_i, d_j)| for the pairs yz, xz, xy: turns the stretch between crossing two
    // planes into the distance to the edge where they meet.
    edge: vec3<f32>,
    // Shade of the faces that it can meet, by axis.
    shade: vec3<f32>,
}

// The part of a box that a ray's pixel shows.
struct Face {
    // Share of the pixel that the box covers.
    covered: f32,
    // Distance along the ray at which it enters.
    t: f32,
    // Width of a pixel there, in cells.
    width: f32,
    // Share of each axis' face in the pixel.
    weights: vec3<f32>,
}

// The ray from `eye` along `direction`, both in world coordinates.
fn ray_in_slab(slab: Slab, eye: vec3<f32>, direction: vec3<f32>) -> Ray {
    let flip = vec3<f32>(1.0, -1.0, 1.0);
    let origin = (eye - slab.corner) * flip / slab.pitch;
    var d = direction * flip;
    // No component is zero, so that no plane is crossed at infinity.
    d = select(d, vec3<f32>(1e-6), abs(d) < vec3<f32>(1e-6));
    let s = abs(d);
    let edge = vec3<f32>(
        s.y * s.z * inverseSqrt(s.y * s.y + s.z * s.z),
        s.x * s.z * inverseSqrt(s.x * s.x + s.z * s.z),
        s.x * s.y * inverseSqrt(s.x * s.x + s.y * s.y),
    );
    let shade = select(frame.shade_high, frame.shade_low, d > vec3<f32>(0.0));
    return Ray(origin, d, 1.0 / d, edge, shade);
}

// Intersects a box with a ray.
fn face_of_box(ray: Ray, low: vec3<f32>, high: vec3<f32>) -> Face {
    let a = (low - ray.origin) * ray.inverse;
    let b = (high - ray.origin) * ray.inverse;
    let near = min(a, b);
    let far = max(a, b);
    // Every silhouette edge is where a face that is entered meets one that is left.
    let yz = min(far.z - near.y, far.y - near.z) * ray.edge.x;
    let xz = min(far.z - near.x, far.x - near.z) * ray.edge.y;
    let xy = min(far.y - near.x, far.x - near.y) * ray.edge.z;
    let t = max(max(near.x, near.y), near.z);
    let width = frame.pixel * max(t, 1e-4);
    // The face that is entered last is the visible one; near an inner edge, part of each.
    let x = clamp(0.5 + min((near.x - near.y) * ray.edge.z, (near.x - near.z) * ray.edge.y) / width, 0.0, 1.0);
    let y = clamp(0.5 + min((near.y - near.x) * ray.edge.z, (near.y - near.z) * ray.edge.x) / width, 0.0, 1.0);
    let z = clamp(0.5 + min((near.z - near.x) * ray.edge.y, (near.z - near.y) * ray.edge.x) / width, 0.0, 1.0);
    let sum = max(x + y + z, 1e-3);
    let covered = clamp(0.5 + min(min(yz, xz), xy) / width, 0.0, 1.0) * f32(t > 0.0);
    return Face(covered, t, width, vec3<f32>(x, y, z) / sum);
}
