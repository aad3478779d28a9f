//! Numbers on the cells of the scene.

use egui::{Color32, Pos2, Rect, Shape, Vec2, vec2};
use glam::{Vec3, vec3};

use super::overlay::{shapes, texts};
use crate::model::{
    Camera, CellArrangement, ColourMap, Grid, LayerCells, LayerIndex, Layout, Mosaic, Query, Recording,
    Selection, SetView, Theme, ViewState,
};
use crate::ui::scene::projection::Projection;
use crate::ui::testing::{self, TestValues};

const SIZE: Vec2 = vec2(900.0, 600.0);

/// A scene in which the value of each unit is its index and 100 for each layer before its own.
struct NumberedScene {
    recording: Recording,
    layout: Layout,
    view: ViewState,
    values: TestValues,
}

impl NumberedScene {
    fn new() -> Self {
        let recording = testing::recording();
        let layout = Layout::of_grids(Layout::grids(&recording));
        let view = testing::view(&recording);
        let values = TestValues::new(&recording, &layout, &[0.5, 3.25, -2.0]);
        Self { recording, layout, view, values }
    }

    /// Places the camera before the middle of a slab.
    fn look_at(&mut self, slab: usize, distance: f32) {
        let position = self.layout.slabs[slab].centre + vec3(0.0, 0.0, distance);
        self.view.camera = Camera {
            position,
            yaw: 0.0,
            pitch: 0.0,
            fov_y: Camera::FOV_Y,
            focus: distance,
            clear: 0.0,
            aspect: 0.0,
        };
    }

    /// Leaves only one slab visible.
    fn hide_others(&mut self, slab: usize) {
        for (index, other) in self.layout.slabs.iter_mut().enumerate() {
            other.hidden = index != slab;
        }
    }

    fn texts(&self) -> Vec<(String, Rect)> {
        texts(&self.values.description(&self.recording, &self.view, &self.layout), SIZE)
    }

    /// Returns the units whose indices are painted, sorted.
    fn units(&self) -> Vec<usize> {
        let mut units: Vec<usize> =
            self.texts().iter().filter_map(|(text, _)| text.strip_prefix("unit ")?.parse().ok()).collect();
        units.sort_unstable();
        units
    }

    /// Returns the middle of the front of a cell in the picture.
    fn face(&self, slab: usize, cell: usize) -> Pos2 {
        let place = &self.layout.slabs[slab];
        let (column, row) = place.grid.position(cell);
        let values = self.values.description(&self.recording, &self.view, &self.layout).values;
        let height = values.and_then(|values| values.cell_height(LayerIndex(slab), cell)).expect("a cell");
        let front = place.cell_centre(column, row) + Vec3::Z * (height * place.pitch);
        let lens = Projection { camera: self.view.camera, rect: Rect::from_min_size(Pos2::ZERO, SIZE) };
        lens.project(front).expect("in front of the camera")
    }
}

#[test]
fn near_cells_have_numbers_and_distant_ones_have_none() {
    let mut scene = NumberedScene::new();
    scene.view.camera.position -= scene.view.camera.forward() * 3.0 * scene.view.camera.focus;
    assert_eq!(scene.units(), Vec::<usize>::new(), "from far away");
    scene.view.camera = Camera::of_slab(&scene.layout.slabs[0], 1.5);
    let texts = scene.texts();
    for unit in 0..16 {
        let middle = scene.face(0, unit);
        for text in [format!("{unit}"), format!("unit {unit}")] {
            let on_it = texts
                .iter()
                .any(|(found, place)| *found == text && (place.center() - middle).abs().max_elem() < 16.0);
            assert!(on_it, "{text} at {middle:?}: {texts:?}");
        }
    }
    // Cells of the other slabs are large in the picture too.
    scene.hide_others(0);
    assert_eq!(scene.units(), (0..16).collect::<Vec<_>>());
    scene.view.labels = false;
    assert_eq!(scene.units(), Vec::<usize>::new(), "labels are off");
}

#[test]
fn numbers_are_black_or_white_by_the_colour_of_the_cell() {
    let mut scene = NumberedScene::new();
    scene.values.layers[0].values[5] = 200.0;
    scene.view.camera = Camera::of_slab(&scene.layout.slabs[0], 1.5);
    scene.hide_others(0);
    let description = scene.values.description(&scene.recording, &scene.view, &scene.layout);
    let shapes = shapes(&description, SIZE);
    let colour = |wanted: &str| {
        shapes.iter().find_map(|shape| match shape {
            Shape::Text(text) if text.galley.text() == wanted => {
                Some(text.galley.job.sections[0].format.color)
            }
            _ => None,
        })
    };
    // Viridis is dark at its low end and bright at its high end.
    let table = ColourMap::Viridis.table(Theme::Dark);
    assert!(table[0][1] < 50 && table[255][1] > 200);
    assert_eq!(colour("unit 5"), Some(Color32::BLACK));
    assert_eq!(colour("unit 10"), Some(Color32::WHITE));
}

#[test]
fn hidden_cells_have_no_numbers() {
    let mut scene = NumberedScene::new();
    // The first slab fills the picture, and the cells of the second would be large.
    scene.look_at(0, 2.5);
    assert!(scene.units().len() > 4);
    let of_conv2 = |scene: &NumberedScene| {
        scene.texts().iter().filter(|(text, _)| text.parse().is_ok_and(|value: u32| value >= 100)).count()
    };
    assert_eq!(of_conv2(&scene), 0, "{:?}", scene.texts());
    scene.view.hidden.insert("conv1".to_owned());
    let from_conv1 = scene.view.camera;
    scene.layout.slabs[0].hidden = true;
    scene.view.camera = from_conv1;
    assert!(of_conv2(&scene) > 4, "without the first slab: {:?}", scene.texts());
}

#[test]
fn slabs_have_no_numbers_on_their_backs() {
    let mut scene = NumberedScene::new();
    scene.look_at(0, 6.0);
    scene.hide_others(0);
    assert_eq!(scene.units(), (0..16).collect::<Vec<_>>(), "from the front");
    let camera = &mut scene.view.camera;
    camera.position.z = scene.layout.slabs[0].centre.z - 6.0;
    camera.yaw = std::f32::consts::PI;
    assert_eq!(scene.units(), Vec::<usize>::new());
}

#[test]
fn numbers_cover_neither_each_other_nor_labels() {
    let mut scene = NumberedScene::new();
    let views = SetView::ALL.map(|view| Camera::set_view(view, &scene.layout, 1.5)).into_iter();
    let slabs: Vec<Camera> = scene.layout.slabs.iter().map(|slab| Camera::of_slab(slab, 1.5)).collect();
    let mut numbers = 0;
    for camera in views.chain(slabs) {
        scene.view.camera = camera;
        let texts = scene.texts();
        numbers += scene.units().len();
        for (index, (one, a)) in texts.iter().enumerate() {
            for (other, b) in &texts[index + 1..] {
                assert!(!a.shrink(1.0).intersects(b.shrink(1.0)), "{one} {a:?} over {other} {b:?}");
            }
        }
    }
    assert!(numbers > 100);
}

#[test]
fn negative_values_have_their_sign() {
    let mut scene = NumberedScene::new();
    scene.view.query = Query { minus: Some(Selection::default()), ..Query::default() };
    scene.values.layers[0].values[5] = -150.0;
    scene.view.camera = Camera::of_slab(&scene.layout.slabs[0], 1.5);
    assert!(scene.texts().iter().any(|(text, _)| text == "\u{2212}150"), "{:?}", scene.texts());
}

#[test]
fn places_in_feature_maps_are_told_when_there_is_room() {
    let mut scene = NumberedScene::new();
    let (across, grid) = Grid::mosaic(4, 3, 5);
    let mosaic = Some(Mosaic { across, height: 3, width: 5 });
    scene.values.arrangements[0] = CellArrangement { units: 4, mosaic, places: None };
    scene.values.layers[0] = LayerCells { grid, units: grid.cells(), values: vec![7.5; grid.cells()] };
    scene.layout = Layout::of_grids(scene.values.layers.iter().map(|layer| (layer.grid, layer.units)));
    let places = |scene: &NumberedScene| {
        let texts = scene.texts();
        assert!(texts.iter().any(|(text, _)| text == "8"), "{texts:?}");
        texts.into_iter().map(|(text, _)| text).filter(|text| text.contains("y ")).collect::<Vec<_>>()
    };
    let wide = |scene: &NumberedScene| scene.layout.slabs[0].extent().x;
    scene.look_at(0, 2.0 * wide(&scene));
    assert!(places(&scene).is_empty(), "{:?}", places(&scene));
    scene.look_at(0, 0.5 * wide(&scene));
    let near = places(&scene);
    assert!(near.iter().any(|text| text.starts_with("map ") && text.contains(" · y 2, x ")), "{near:?}");
}

#[test]
fn the_number_of_numbers_is_limited() {
    let mut scene = NumberedScene::new();
    let grid = Grid::near_square(4096);
    scene.values.layers[0] = LayerCells { grid, units: 4096, values: vec![0.0; 4096] };
    scene.values.arrangements[0] = CellArrangement::as_trained(4096);
    scene.layout = Layout::of_grids(scene.values.layers.iter().map(|layer| (layer.grid, layer.units)));
    scene.view.camera = Camera::of_slab(&scene.layout.slabs[0], 1.0);
    let description = scene.values.description(&scene.recording, &scene.view, &scene.layout);
    let texts = texts(&description, vec2(5000.0, 5000.0));
    let numbers = texts.iter().filter(|(text, _)| text == "0").count();
    assert!((300..=401).contains(&numbers), "{numbers}");
}
