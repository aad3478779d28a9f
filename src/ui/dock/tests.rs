//! Tiles laid out without a window.

use egui::{Rect, pos2, vec2};

use super::*;
use crate::model::Theme;
use crate::ui::style::Palette;

const WINDOW: Rect = rect(1200.0, 900.0);

const fn rect(width: f32, height: f32) -> Rect {
    Rect { min: pos2(0.0, 0.0), max: pos2(width, height) }
}

/// Lays out a few frames, and returns the rectangles of the panes; `Rect::NOTHING` for those not
/// visible.
fn laid_out(arrangement: &mut DockLayout) -> impl Fn(Pane) -> Rect + use<> {
    laid_out_in(WINDOW, arrangement)
}

/// The same in a window of another size.
fn laid_out_in(window: Rect, arrangement: &mut DockLayout) -> impl Fn(Pane) -> Rect + use<> {
    let ctx = egui::Context::default();
    let mut places = Vec::new();
    for _ in 0..3 {
        places.clear();
        let input = egui::RawInput { screen_rect: Some(window), ..egui::RawInput::default() };
        let mut scene = Rect::NOTHING;
        let mut output = ctx.run_ui(input, |ui| {
            let mut add = |ui: &mut egui::Ui, pane| places.push((pane, ui.max_rect()));
            scene = arrangement.show(ui, Palette::of(Theme::Dark), &mut add);
        });
        output.textures_delta.clear();
        places.push((Pane::Scene, scene));
    }
    move |pane| places.iter().find(|place| place.0 == pane).map_or(Rect::NOTHING, |place| place.1)
}

#[test]
fn a_panel_goes_to_every_edge_and_to_others() {
    for pane in Pane::PANELS {
        let mut arrangement = DockLayout::default();
        for place in DockPlace::EDGES {
            arrangement.place(pane, place);
            let at = laid_out(&mut arrangement);
            let (own, near) = (at(pane), 30.0);
            let is_there = match place {
                DockPlace::Left => own.left() < near && own.height() > 600.0,
                DockPlace::Right => own.right() > WINDOW.right() - near && own.height() > 600.0,
                DockPlace::Top => own.top() < near && own.width() > 1100.0,
                _ => own.bottom() > WINDOW.bottom() - near && own.width() > 1100.0,
            };
            assert!(is_there, "{pane:?} {place:?}: {own:?}");
            assert!(at(Pane::Scene).size().min_elem() > 200.0, "the scene has room: {:?}", at(Pane::Scene));
            assert!(arrangement.is_whole(), "{pane:?} {place:?}");
        }
        for other in Pane::PANELS.into_iter().filter(|other| *other != pane) {
            arrangement.place(pane, DockPlace::With(other));
            let at = laid_out(&mut arrangement);
            assert!(arrangement.is_whole() && arrangement.has(other), "{pane:?} with {other:?}");
            assert!(at(pane).is_positive() && !at(other).is_positive(), "{pane:?} lies over {other:?}");
            arrangement.bring(other);
            let over = laid_out(&mut arrangement);
            assert!(over(other).is_positive() && !over(pane).is_positive());
            assert!((over(other).center() - at(pane).center()).length() < 2.0, "in the same place");
        }
    }
}

#[test]
fn a_panel_becomes_larger_and_smaller_again() {
    let mut arrangement = DockLayout::default();
    let before = laid_out(&mut arrangement)(Pane::Layers).size();
    for (size, back, grows) in [
        (PaneSize::Wider, PaneSize::Narrower, vec2(1.0, 0.0)),
        (PaneSize::Taller, PaneSize::Lower, vec2(0.0, 1.0)),
    ] {
        arrangement.resize(Pane::Layers, size);
        let larger = laid_out(&mut arrangement)(Pane::Layers).size() - before;
        assert!((larger * grows).max_elem() > 20.0, "{size:?}: {larger:?}");
        assert!((larger * (vec2(1.0, 1.0) - grows)).length() < 1.0, "{size:?}: {larger:?}");
        arrangement.resize(Pane::Layers, back);
        let again = laid_out(&mut arrangement)(Pane::Layers).size();
        assert!((again - before).length() < 2.0, "{back:?}: {again:?}, it was {before:?}");
    }
    for _ in 0..40 {
        arrangement.resize(Pane::Layers, PaneSize::Taller);
    }
    assert!(laid_out(&mut arrangement)(Pane::Scene).height() > 80.0, "the scene stays");
    // A panel without neighbours in that direction or without visible content keeps its size.
    let same = arrangement.clone();
    arrangement.resize(Pane::About, PaneSize::Wider);
    assert_eq!(arrangement, same);
}

#[test]
fn panels_at_the_side_are_stacked_in_a_high_window_and_tabs_in_a_low_one() {
    let mut high = DockLayout::default();
    let at = laid_out_in(rect(1920.0, 940.0), &mut high);
    let (input, options) = (at(Pane::Input), at(Pane::Options));
    assert!(input.is_positive() && options.top() > input.bottom(), "{input:?} {options:?}");

    let mut low = DockLayout::default();
    let at = laid_out_in(rect(1280.0, 660.0), &mut low);
    assert!(at(Pane::Input).height() > 600.0, "{:?}", at(Pane::Input));
    assert!(!at(Pane::Options).is_positive() && low.has(Pane::Options), "it is a tab");
    low.bring(Pane::Options);
    let at = laid_out_in(rect(1280.0, 660.0), &mut low);
    assert!(at(Pane::Options).height() > 600.0 && !at(Pane::Input).is_positive());
    // Only a new arrangement depends on the height.
    let again = laid_out_in(rect(1920.0, 940.0), &mut low);
    assert!(again(Pane::Options).height() > 800.0);
}

#[test]
fn an_enlarged_panel_has_half_of_the_window_until_it_is_restored() {
    let mut dock = DockLayout::default();
    let before = laid_out(&mut dock);
    dock.enlarge(Pane::Unit);
    let at = laid_out(&mut dock);
    assert!(at(Pane::Unit).width() > 560.0 && at(Pane::Unit).height() > 850.0, "{:?}", at(Pane::Unit));
    assert!(at(Pane::Scene).width() > 500.0 && at(Pane::Scene).height() > 850.0, "{:?}", at(Pane::Scene));
    for pane in Pane::PANELS {
        assert_eq!(dock.shows(pane), pane == Pane::Unit, "{pane:?}");
        assert_eq!(at(pane).is_positive(), pane == Pane::Unit, "{pane:?}");
    }
    dock.restore();
    // Another panel that is to be seen, and the panel itself again, restore all.
    for restore in [
        DockLayout::restore,
        |dock: &mut DockLayout| dock.bring(Pane::Layers),
        |dock: &mut DockLayout| {
            dock.toggle(Pane::Unit);
        },
    ] {
        dock.enlarge(Pane::Unit);
        assert!(dock.is_enlarged());
        restore(&mut dock);
        assert!(!dock.is_enlarged());
        let now = laid_out(&mut dock);
        for pane in [Pane::Scene, Pane::Input, Pane::Layers] {
            assert!((now(pane).center() - before(pane).center()).length() < 2.0, "{pane:?}");
        }
        dock.restore();
    }
}
