//! The outputs beside their cells: classes, values, bars, and the predicted class.

use std::sync::Arc;

use egui::{Color32, FontFamily, Rect, Shape, vec2};

use super::overlay::{has, shapes, texts};
use crate::model::{
    Camera, ColourMap, Diff, Layout, Query, Recording, Selection, SetView, Stat, Theme, UnitPermutation,
    ViewState,
};
use crate::ui::style::{Palette, colour_of, semibold};
use crate::ui::testing::{self, TestValues};

const SIZE: egui::Vec2 = vec2(1280.0, 800.0);

/// A scene in which `select` is shown with these outputs of the classes cat, dog and bird.
struct OutputScene {
    recording: Recording,
    layout: Layout,
    view: ViewState,
    values: TestValues,
}

impl OutputScene {
    fn new(select: &str, outputs: [f32; 3]) -> Self {
        let recording = testing::recording();
        let layout = Layout::of_grids(Layout::grids(&recording));
        let mut view = testing::view(&recording);
        view.query.select = select.parse().expect("a selection");
        let values = TestValues::new(&recording, &layout, &outputs);
        Self { recording, layout, view, values }
    }

    fn texts(&self, size: egui::Vec2) -> Vec<(String, Rect)> {
        texts(&self.values.description(&self.recording, &self.view, &self.layout), size)
    }

    fn shapes(&self) -> Vec<Shape> {
        shapes(&self.values.description(&self.recording, &self.view, &self.layout), SIZE)
    }

    /// Returns the colour and the font family of a text, which is painted once.
    fn look(&self, wanted: &str) -> (Color32, FontFamily) {
        let shapes = self.shapes();
        let mut found = shapes.iter().filter_map(|shape| match shape {
            Shape::Text(text) if text.galley.text() == wanted => Some(&text.galley.job.sections[0].format),
            _ => None,
        });
        let format = found.next().unwrap_or_else(|| panic!("{wanted} is not painted"));
        assert!(found.next().is_none(), "{wanted} is painted twice");
        (format.color, format.font_id.family.clone())
    }

    fn summary(&self) -> String {
        self.values.description(&self.recording, &self.view, &self.layout).summary()
    }

    /// Returns the places of the check marks of a colour.
    fn check_marks(&self, colour: Color32) -> Vec<Rect> {
        let shapes = self.shapes().into_iter();
        let marks = shapes.filter_map(|shape| match shape {
            Shape::Path(path) if path.points.len() == 3 && !path.closed => (path.stroke.color
                == egui::epaint::ColorMode::Solid(colour))
            .then(|| Rect::from_points(&path.points)),
            _ => None,
        });
        marks.collect()
    }

    /// Returns the number of lines of a colour.
    fn lines(&self, colour: Color32) -> usize {
        let is_one =
            |shape: &Shape| matches!(shape, Shape::LineSegment { stroke, .. } if stroke.color == colour);
        self.shapes().iter().filter(|shape| is_one(shape)).count()
    }

    /// Returns the bars of a colour: rectangles without text.
    fn bar(&self, colour: [u8; 3]) -> Option<Rect> {
        self.shapes().into_iter().find_map(|shape| match shape {
            Shape::Rect(rect) => (rect.fill == colour_of(colour)).then_some(rect.rect),
            _ => None,
        })
    }
}

fn place(texts: &[(String, Rect)], wanted: &str) -> Rect {
    let found = texts.iter().find(|(text, _)| text == wanted);
    found.unwrap_or_else(|| panic!("{wanted} is missing from {texts:?}")).1
}

#[test]
fn the_greatest_output_is_the_guess_and_marked_right() {
    let scene = OutputScene::new("input:1", [0.5, 3.25, -2.0]);
    let palette = Palette::of(Theme::Dark);
    for (text, colour, family) in [
        ("dog", palette.accent, semibold()),
        ("3.25", palette.accent, semibold()),
        ("cat", palette.text, FontFamily::Proportional),
        ("0.50", palette.dim, FontFamily::Proportional),
        ("guess dog", palette.text, semibold()),
    ] {
        assert_eq!(scene.look(text), (colour, family), "{text}");
    }
    let texts = scene.texts(SIZE);
    assert!(!texts.iter().any(|(text, _)| text.contains(" is ")), "{texts:?}");
    // One beside the class and one beside the words.
    let (row, words) = (place(&texts, "dog"), place(&texts, "guess dog"));
    let marks = scene.check_marks(palette.accent);
    assert_eq!(marks.len(), 2, "{marks:?}");
    for text in [row, words] {
        let beside = |mark: &&Rect| {
            mark.left() > text.right()
                && mark.left() < text.right() + 30.0
                && text.y_range().contains(mark.center().y)
        };
        assert_eq!(marks.iter().filter(beside).count(), 1, "beside {text:?}: {marks:?}");
    }
    assert_eq!(scene.lines(palette.warning), 0, "no cross");
    assert!(scene.summary().contains(" The network guesses dog (right). "), "{}", scene.summary());
}

#[test]
fn a_wrong_guess_has_a_cross_and_the_true_class_is_told() {
    let scene = OutputScene::new("input:2", [0.5, 3.25, -2.0]);
    let palette = Palette::of(Theme::Dark);
    let texts = scene.texts(SIZE);
    assert!(has(&texts, "guess dog") && has(&texts, ", is bird"), "{texts:?}");
    assert_eq!(scene.lines(palette.warning), 4, "two crosses of two lines");
    assert!(scene.check_marks(palette.accent).is_empty());
    let marks = scene.check_marks(palette.text);
    assert_eq!(marks.len(), 1, "the true class has a check mark");
    assert!(place(&texts, "bird").y_range().contains(marks[0].center().y));
    assert_eq!(scene.look("dog"), (palette.accent, semibold()));
    assert_eq!(scene.look("bird"), (palette.text, semibold()));
    assert!(
        scene.summary().contains(" The network guesses dog (wrong, it is bird). "),
        "{}",
        scene.summary()
    );
}

#[test]
fn an_unlabelled_input_has_a_guess_without_a_mark() {
    let mut scene = OutputScene::new("input:2", [0.5, 3.25, -2.0]);
    scene.recording.inputs[2].class = None;
    let palette = Palette::of(Theme::Dark);
    assert!(has(&scene.texts(SIZE), "guess dog"));
    let checks = [palette.accent, palette.text].map(|colour| scene.check_marks(colour).len());
    assert_eq!((checks, scene.lines(palette.warning)), ([0, 0], 0));
    assert!(scene.summary().contains(" The network guesses dog. "), "{}", scene.summary());
}

#[test]
fn only_the_activations_of_one_input_have_a_guess() {
    let guesses = |scene: &OutputScene| {
        let texts = scene.texts(SIZE);
        assert!(has(&texts, "dog"), "the names stay: {texts:?}");
        let told =
            [scene.summary().contains("guesses"), texts.iter().any(|(text, _)| text.starts_with("guess"))];
        assert_eq!(told[0], told[1]);
        told[0]
    };
    let outputs = [0.5, 3.25, -2.0];
    assert!(guesses(&OutputScene::new("input:1", outputs)));
    assert!(!guesses(&OutputScene::new("class:dog", outputs)));
    assert!(!guesses(&OutputScene::new("all", outputs)));
    assert!(!guesses(&OutputScene::new("input:1", [0.0; 3])), "all outputs are equal");
    assert!(!guesses(&OutputScene::new("input:1", [f32::NAN; 3])));
    assert!(guesses(&OutputScene::new("input:1", [f32::NAN, -1.0, -2.0])));
    let mut scene = OutputScene::new("input:1", outputs);
    scene.view.query.stat = Stat::Std;
    assert!(!guesses(&scene));
    scene.view.query = Query { minus: Some(Selection::default()), stat: Stat::Mean, ..scene.view.query };
    assert!(!guesses(&scene));
}

#[test]
fn the_selected_class_is_marked() {
    let accent = Palette::of(Theme::Dark).accent;
    let marked = |scene: &OutputScene| {
        ["cat", "dog", "bird"].into_iter().filter(|name| scene.look(name) == (accent, semibold())).collect()
    };
    let none: Vec<&str> = Vec::new();
    for (select, expected) in [
        ("class:bird", vec!["bird"]),
        ("class:cat,bird", vec!["cat", "bird"]),
        ("class:cat,dog,bird", none.clone()),
        ("all", none),
    ] {
        let mut scene = OutputScene::new(select, [0.5, 3.25, -2.0]);
        let found: Vec<&str> = marked(&scene);
        assert_eq!(found, expected, "{select}");
        scene.view.query.minus = Some("class:dog".parse().expect("a selection"));
        assert_eq!(marked(&scene), expected, "{select} minus dog");
    }
}

#[test]
fn bars_are_as_long_as_their_values_on_their_side_of_zero() {
    let mut scene = OutputScene::new("all", [1.0, 4.0, -2.0]);
    scene.view.query = Query { minus: Some(Selection::default()), diff: Diff::Signed, ..Query::default() };
    scene.view.camera = Camera::set_view(SetView::Overview, &scene.layout, SIZE.x / SIZE.y);
    let table = ColourMap::Diverging.table(Theme::Dark);
    // The range is from −4 to 4.
    let bars = [159, 255, 64].map(|entry| scene.bar(table[entry]).unwrap_or_else(|| panic!("bar {entry}")));
    let [one, four, minus_two] = bars;
    assert!(bars.iter().all(|bar| bar.height() > 2.0));
    assert!((four.width() - 4.0 * one.width()).abs() < 0.1, "{bars:?}");
    assert!((minus_two.width() - 2.0 * one.width()).abs() < 0.1, "{bars:?}");
    assert!(
        (one.left() - four.left()).abs() < 0.1 && (minus_two.right() - one.left()).abs() < 0.1,
        "{bars:?}"
    );
    assert!(one.top() < four.top() && four.top() < minus_two.top());
    let texts = scene.texts(SIZE);
    for (bar, number) in bars.into_iter().zip(["1", "4", "\u{2212}2"]) {
        let number =
            texts.iter().find(|(text, place)| text == number && place.y_range().contains(bar.center().y));
        let (_, number) = number.unwrap_or_else(|| panic!("no number beside {bar:?} in {texts:?}"));
        assert!(number.right() < minus_two.left(), "the number is left of all bars");
    }
}

#[test]
fn names_and_points_are_aligned() {
    let scene = OutputScene::new("all", [0.5, 3.25, -2.0]);
    let texts = scene.texts(SIZE);
    let [cat, dog, bird] = ["cat", "dog", "bird"].map(|name| place(&texts, name).left());
    // The edges of glyphs differ by their bearings.
    assert!((cat - dog).abs() < 2.0 && (dog - bird).abs() < 2.0, "{cat} {dog} {bird}");
    let [half, more] = ["0.50", "3.25"].map(|number| place(&texts, number).right());
    assert!((half - more).abs() < 1.5, "{half} {more}");
    let whole = place(&texts, "\u{2212}2").right();
    assert!(whole < half - 8.0, "{whole} ends before the point of 0.50, which ends at {half}");
}

#[test]
fn names_follow_the_order_of_the_units() {
    let mut scene = OutputScene::new("all", [0.5, 3.25, -2.0]);
    scene.values.arrangements[2].places = UnitPermutation::new(vec![2, 0, 1]).map(Arc::new);
    let texts = scene.texts(SIZE);
    let pairs = [("bird", "0.50"), ("cat", "3.25"), ("dog", "\u{2212}2")];
    let heights = pairs.map(|(name, number)| {
        let (name, number) = (place(&texts, name).center().y, place(&texts, number).center().y);
        assert!((name - number).abs() < 6.0, "{pairs:?}: {name} {number}");
        name
    });
    assert!(heights.is_sorted(), "{heights:?}");
}

#[test]
fn what_has_no_room_is_left_out_and_nothing_overlaps() {
    let mut scene = OutputScene::new("input:2", [0.5, 3.25, -2.0]);
    let mut seen = [false; 3];
    for width in (240..1600).step_by(40) {
        for view in SetView::ALL {
            let size = vec2(width as f32, 500.0);
            scene.view.camera = Camera::set_view(view, &scene.layout, size.x / size.y);
            let description = scene.values.description(&scene.recording, &scene.view, &scene.layout);
            let mut places: Vec<(String, Rect)> = Vec::new();
            let table = ColourMap::Viridis.table(Theme::Dark);
            for shape in shapes(&description, size) {
                match shape {
                    // Copies in another colour are the rim of a text.
                    Shape::Text(text) if text.override_text_color.is_none() => {
                        places.push((text.galley.text().to_owned(), text.visual_bounding_rect()));
                    }
                    Shape::Rect(rect) if rect.fill == colour_of(table[231]) => {
                        places.push(("bar".to_owned(), rect.rect));
                    }
                    _ => {}
                }
            }
            // Without rows, the number may be on the cell.
            let beside = |text: &str| {
                let of =
                    |wanted: &str| places.iter().find(|(text, _)| text == wanted).map(|(_, place)| *place);
                of("dog").zip(of(text)).is_some_and(|(name, place)| place.left() >= name.left())
            };
            let names = ["dog", "3.25", "bar"].map(beside);
            assert!(names.is_sorted_by(|before, after| before >= after), "{names:?} {width} {view:?}");
            if let Some(last) = names.iter().rposition(|is_there| *is_there) {
                seen[last] = true;
            }
            for (index, (one, a)) in places.iter().enumerate() {
                for (other, b) in &places[index + 1..] {
                    assert!(!a.shrink(1.0).intersects(b.shrink(1.0)), "{one} over {other}: {width} {view:?}");
                }
            }
        }
    }
    assert_eq!(seen, [true; 3], "each amount of room occurs");
}
