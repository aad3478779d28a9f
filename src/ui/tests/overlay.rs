//! The overlay, compared by its texts and their rectangles.

use egui::epaint::Primitive;
use egui::{Rect, Shape, pos2, vec2};

use crate::model::{Layout, Query, Range, Selection, SetView, ValueRange};
use crate::ui::SceneDescription;
use crate::ui::scene::projection::Projection;
use crate::ui::scene::still;
use crate::ui::style::{install_fonts, install_style};
use crate::ui::testing::{self, description};

/// Returns the shapes that the overlay paints.
pub(super) fn shapes(scene: &SceneDescription, size: egui::Vec2) -> Vec<Shape> {
    let ctx = egui::Context::default();
    install_fonts(&ctx);
    install_style(&ctx, scene.view.theme);
    let screen = Rect::from_min_size(pos2(0.0, 0.0), size);
    let input = || egui::RawInput { screen_rect: Some(screen), ..egui::RawInput::default() };
    ctx.run_pass(input(), |_| ()).textures_delta.clear();
    let mut output = ctx.run_pass(input(), |ctx| {
        scene.paint_overlay(&ctx.layer_painter(egui::LayerId::background()), screen);
    });
    output.textures_delta.clear();
    // Copies of a text in another colour are its rim.
    let is_rim = |shape: &Shape| matches!(shape, Shape::Text(text) if text.override_text_color.is_some());
    output.shapes.into_iter().map(|clipped| clipped.shape).filter(|shape| !is_rim(shape)).collect()
}

/// Returns the texts that the overlay paints, and their rectangles.
pub(super) fn texts(scene: &SceneDescription, size: egui::Vec2) -> Vec<(String, Rect)> {
    let text = |shape: Shape| match shape {
        Shape::Text(text) => Some((text.galley.text().to_owned(), text.visual_bounding_rect())),
        _ => None,
    };
    shapes(scene, size).into_iter().filter_map(text).collect()
}

pub(super) fn has(texts: &[(String, Rect)], wanted: &str) -> bool {
    texts.iter().any(|(text, _)| text == wanted)
}

#[test]
fn the_overview_names_layers_and_classes_beside_their_cells() {
    let recording = testing::recording();
    let (layout, view) = (Layout::new(&recording, 1.6), testing::view(&recording));
    let size = vec2(1280.0, 800.0);
    let texts = texts(&description(&recording, &view, &layout), size);
    for wanted in ["conv1", "conv2", "fc", "cat", "dog", "bird", "mean activation · all inputs · epoch 4"] {
        assert!(has(&texts, wanted), "{wanted} is missing from {texts:?}");
    }
    let lens = Projection { camera: view.camera, rect: Rect::from_min_size(pos2(0.0, 0.0), size) };
    for (name, place) in texts.iter().filter(|(text, _)| ["conv1", "conv2", "fc"].contains(&text.as_str())) {
        for slab in &layout.slabs {
            let (low, high) = slab.bounds();
            let outline = lens.outline(low, high).expect("in front of the eye");
            assert!(!outline.intersects(*place), "{name} covers a slab");
        }
    }
    let cell = lens.project(layout.slabs[2].cell_centre(0, 1)).expect("in front of the eye");
    let (_, dog) = texts.iter().find(|(text, _)| text == "dog").expect("it was there");
    assert!((dog.center().y - cell.y).abs() < 10.0 && dog.left() > cell.x, "{dog:?} beside {cell:?}");
}

#[test]
fn labels_never_cover_each_other() {
    let mut recording = testing::recording();
    let hidden = recording.layers[1].clone();
    for index in 0..30 {
        let layer = crate::model::Layer { name: format!("features.{index}"), ..hidden.clone() };
        recording.layers.insert(1, layer);
    }
    let layout = Layout::new(&recording, 1.6);
    let mut view = testing::view(&recording);
    for set_view in SetView::ALL {
        view.camera = crate::model::Camera::set_view(set_view, &layout, 1.6);
        let texts = texts(&description(&recording, &view, &layout), vec2(1280.0, 800.0));
        for (index, (one, a)) in texts.iter().enumerate() {
            for (other, b) in &texts[index + 1..] {
                assert!(!a.shrink(1.0).intersects(b.shrink(1.0)), "{one} over {other} in {set_view:?}");
            }
        }
    }
}

#[test]
fn class_names_vanish_when_their_cells_are_too_small() {
    let recording = testing::recording();
    let (layout, mut view) = (Layout::new(&recording, 1.6), testing::view(&recording));
    view.camera.position -= view.camera.forward() * 20.0 * view.camera.focus;
    let texts = texts(&description(&recording, &view, &layout), vec2(1280.0, 800.0));
    assert!(!has(&texts, "cat"));
}

#[test]
fn the_legend_shows_no_value_and_the_ends_of_the_colour_map() {
    let recording = testing::recording();
    let (layout, mut view) = (Layout::new(&recording, 1.6), testing::view(&recording));
    view.query = Query { minus: Some(Selection::class(&recording, 0)), ..Query::default() };
    view.range = Range::Network;
    let ranges = [ValueRange::symmetric(0.25); 3];
    let scene =
        SceneDescription { ranges: &ranges, has_no_value: true, ..description(&recording, &view, &layout) };
    let with = texts(&scene, vec2(1280.0, 800.0));
    for wanted in ["\u{2212}0.250", "0", "0.250", "no value", "range: symmetric around 0, this epoch"] {
        assert!(has(&with, wanted), "{wanted} is missing from {with:?}");
    }
    let without = texts(&SceneDescription { has_no_value: false, ..scene }, vec2(1280.0, 800.0));
    assert!(!has(&without, "no value"));
}

#[test]
fn a_still_paints_the_same_at_any_density() {
    let recording = testing::recording();
    let (layout, view) = (Layout::new(&recording, 1.6), testing::view(&recording));
    let bounds = [([640, 400], 1.0), ([1280, 800], 2.0)].map(|(size, pixels_per_point)| {
        let mut painted =
            still::tessellate_overlay(&description(&recording, &view, &layout), size, pixels_per_point);
        assert_eq!(painted.pixels_per_point, pixels_per_point);
        assert!(!painted.textures.set.is_empty(), "glyphs to upload");
        assert!(!painted.primitives.is_empty());
        let screen = Rect::from_min_size(pos2(0.0, 0.0), vec2(640.0, 400.0));
        let mut bounds = Rect::NOTHING;
        for primitive in &painted.primitives {
            assert!(screen.expand(1.0).contains_rect(primitive.clip_rect));
            if let Primitive::Mesh(mesh) = &primitive.primitive {
                bounds |= mesh.calc_bounds();
            }
        }
        painted.textures.clear();
        bounds
    });
    let [once, twice] = bounds;
    assert!(once.is_positive());
    assert!((once.min - twice.min).length() < 2.0 && (once.max - twice.max).length() < 2.0, "{bounds:?}");
}
