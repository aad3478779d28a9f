//! Ribbons between slabs: they are there where data flows, and lie behind what hides them.

mod draw_support;

use dnnviz::engine::{DrawnNetwork, Field, Frame, Gpu, Path, Renderer};
use dnnviz::model::SetView;
use dnnviz::model::layout::LayerCells;
use dnnviz::model::{Camera, Edge, Grid, Node, ValueRange, ViewState};
use draw_support::draw;

const SIZE: [u32; 2] = [640, 360];
const ASPECT: f32 = 640.0 / 360.0;

struct Scene {
    gpu: Gpu,
    renderer: Renderer,
    field: Field,
}

impl Scene {
    fn new() -> Self {
        let layer = |units: usize| LayerCells {
            grid: Grid::near_square(units),
            units,
            values: (0..units).map(|unit| (unit % 7) as f32 / 7.0).collect(),
        };
        let gpu = Gpu::headless().expect("a graphics driver");
        let renderer = Renderer::new(&gpu);
        let field = Field::new(&gpu, &[64, 36, 144, 25].map(layer), false).expect("fits");
        Self { gpu, renderer, field }
    }

    /// Colours, or with `cells` the slab + 1 at each pixel.
    fn draw(&mut self, camera: Camera, network: DrawnNetwork<'_>, cells: bool) -> Vec<u32> {
        let view = ViewState::new(camera, 0.0);
        let ranges = vec![ValueRange::UNIT; self.field.layout().slabs.len()];
        let frame = Frame {
            view: &view,
            from: &self.field,
            to: &self.field,
            t: 0.0,
            ranges: &ranges,
            divisors: &[],
            picture: None,
            network,
            size: SIZE,
            every_cell: false,
        };
        let drawn = draw(&self.gpu, &mut self.renderer, &frame, Path::Raycast, cells);
        let pixels: Vec<u32> = bytemuck::pod_collect_to_vec(&drawn);
        if cells { pixels.into_iter().step_by(2).collect() } else { pixels }
    }

    /// Pixels that these edges change.
    fn changed(&mut self, camera: Camera, edges: &[Edge], hidden: &[bool]) -> Vec<usize> {
        let mut layout = self.field.layout().clone();
        layout.slabs.iter_mut().zip(hidden).for_each(|(slab, hidden)| slab.hidden = *hidden);
        let network = |edges| DrawnNetwork { edges, layout: Some(&layout), highlighted: None };
        let plain = self.draw(camera, network(&[]), false);
        let with = self.draw(camera, network(edges), false);
        (0..plain.len()).filter(|&at| plain[at] != with[at]).collect()
    }
}

const SKIP: Edge = Edge::between_layers(0, 3);
const CHAIN: [Edge; 3] = [Edge::between_layers(0, 1), Edge::between_layers(1, 2), Edge::between_layers(2, 3)];
/// A sum of the slabs 0 and 2, which leads to slab 3.
const SUM: [Edge; 3] = [
    Edge { from: Node::Layer(0), to: Node::Joint(0) },
    Edge { from: Node::Layer(2), to: Node::Joint(0) },
    Edge { from: Node::Joint(0), to: Node::Layer(3) },
];

/// From the overview's place, and from behind the last slab.
fn cameras(scene: &Scene) -> [Camera; 2] {
    let layout = scene.field.layout();
    let front = Camera::set_view(SetView::Overview, layout, ASPECT);
    let (low, high) = layout.bounds();
    let turned = Camera { yaw: front.yaw + std::f32::consts::PI, ..front };
    [front, turned.framing(low, high, ASPECT)]
}

#[test]
fn a_skip_runs_above_what_it_passes_and_ends_with_hidden_slabs() {
    let mut scene = Scene::new();
    for camera in cameras(&scene) {
        let changed = scene.changed(camera, &[SKIP], &[]);
        assert!(changed.len() > 200, "{} pixels", changed.len());
        // The top of the tallest slab that it passes, straight below the ribbon.
        let slab = scene.field.layout().slabs[2];
        let top = slab.centre + glam::Vec3::Y * slab.extent().y / 2.0;
        let (at, _) = camera.project(top, ASPECT).expect("in front");
        let (x, y) = ((at.x * 640.0) as usize, (at.y * 360.0) as usize);
        let rows: Vec<usize> =
            changed.iter().filter(|&&it| it % 640 == x).map(|it| it / 640).filter(|&row| row < y).collect();
        assert!(!rows.is_empty(), "the ribbon passes over the slab");
        for hidden in [[true, false, false, false], [false, false, false, true]] {
            assert!(scene.changed(camera, &[SKIP], &hidden).is_empty());
        }
        assert!(!scene.changed(camera, &[SKIP], &[false, true, true, false]).is_empty());
    }
}

#[test]
fn ribbons_meet_in_a_joint_between_drawn_slabs() {
    let mut scene = Scene::new();
    for camera in cameras(&scene) {
        let all = scene.changed(camera, &SUM, &[]);
        assert!(all.len() > 200, "{} pixels", all.len());
        // Of one source and the way on, less is drawn; without any source, or without a way on, nothing.
        let rest = scene.changed(camera, &SUM, &[false, false, true, false]);
        assert!(!rest.is_empty());
        let one = scene.changed(camera, &[SUM[1], SUM[2]], &[]);
        assert!(!one.is_empty() && one.len() < all.len() && one.iter().all(|at| all.contains(at)));
        for hidden in [[false, false, false, true], [true, false, true, false]] {
            assert!(scene.changed(camera, &SUM, &hidden).is_empty(), "{hidden:?}");
        }
        assert!(scene.changed(camera, &SUM[..2], &[]).is_empty(), "it leads nowhere");
    }
}

#[test]
fn ribbons_never_show_through_slabs() {
    let mut scene = Scene::new();
    for (camera, nearest) in cameras(&scene).into_iter().zip([0, 3]) {
        let edges = [&CHAIN[..], &SUM, &[SKIP]].concat();
        let changed = scene.changed(camera, &edges, &[]);
        let cells = scene.draw(camera, DrawnNetwork::default(), true);
        // Away from its edges, nothing lies between the eye and the nearest slab.
        let inside = |at: usize| {
            [at - 1922, at - 1918, at, at + 1918, at + 1922].iter().all(|&it| cells[it] == nearest + 1)
        };
        let shown = |at: &&usize| **at > 1922 && **at + 1922 < cells.len() && inside(**at);
        let count = changed.iter().filter(shown).count();
        assert!(cells.iter().filter(|&&it| it == nearest + 1).count() > 500, "the slab is in sight");
        assert_eq!(count, 0, "pixels of the nearest slab that change");
        assert!(changed.len() > 500);
    }
}

#[test]
fn the_edges_of_the_slab_that_is_looked_at_stand_out() {
    let mut scene = Scene::new();
    let [camera, _] = cameras(&scene);
    let mut sum = |highlighted| {
        let network = DrawnNetwork { edges: &[SKIP], layout: None, highlighted };
        scene.draw(camera, network, false).iter().map(|pixel| u64::from(pixel & 255)).sum::<u64>()
    };
    let (dim, lit, other) = (sum(None), sum(Some(3)), sum(Some(1)));
    assert!(lit > dim, "brighter on a dark ground");
    assert_eq!(other, dim, "the skip does not touch it");
}
