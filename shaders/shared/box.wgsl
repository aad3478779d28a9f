// Corners of a box's twelve triangles, in [0, 1]³, anticlockwise as seen from outside.

fn box_corner(vertex: u32) -> vec3<f32> {
    // Bits 0–2 of each entry are x, y, z.
    var corners = array<u32, 36>(
        0u, 2u, 1u, 1u, 2u, 3u, // low z
        4u, 5u, 6u, 5u, 7u, 6u, // high z
        0u, 4u, 2u, 2u, 4u, 6u, // low x
        1u, 3u, 5u, 3u, 7u, 5u, // high x
        0u, 1u, 4u, 1u, 5u, 4u, // low y
        2u, 6u, 3u, 3u, 6u, 7u, // high y
    );
    let bits = corners[vertex];
    return vec3<f32>(f32(bits & 1u), f32((bits >> 1u) & 1u), f32(bits >> 2u));
}
