//! Projection.

use super::*;

#[test]
fn ray_and_project_are_inverse() {
    let camera = Camera {
        position: vec3(1.0, 2.0, 3.0),
        yaw: 0.4,
        pitch: -0.3,
        fov_y: 0.7,
        focus: 4.0,
        clear: 0.0,
        aspect: 0.0,
    };
    let point = Vec2::new(0.2, 0.8);
    let world = camera.position + camera.ray(point, 1.5) * 7.0;
    let (back, _) = camera.project(world, 1.5).expect("in front of the camera");
    assert!((back - point).length() < 1e-5, "{back}");
}
