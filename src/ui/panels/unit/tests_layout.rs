//! The columns of the panel, and the rows of very many classes.

use egui::{Rect, vec2};
use egui_kittest::kittest::Queryable;

use super::tests::{one, panel, pin, profile};
use crate::insight::Distribution;

#[test]
fn a_narrow_panel_has_one_column_and_a_wide_one_several() {
    let tops = |width: f32| {
        let mut window = panel(vec2(width, 900.0));
        window.state_mut().view.pins = vec![pin("conv2", 17)];
        window.state_mut().profiles = vec![(pin("conv2", 17), Some(Ok(profile(17))))];
        window.run();
        let screen = Rect::from_min_size(egui::Pos2::ZERO, vec2(width, 900.0));
        let top = |name: &str| {
            let rect = window.get_by_label_contains(name).rect();
            assert!(screen.x_range().contains(rect.right()), "{name} at {rect:?} of {width}");
            rect.top()
        };
        ["Training of", "Classes: all inputs", "Strongest: input 3", "Similar: unit 5"].map(top)
    };
    let [training, classes, strongest, similar_units] = tops(420.0);
    assert!(training < classes && classes < strongest && strongest < similar_units);
    let [training, classes, strongest, similar_units] = tops(600.0);
    assert!(
        (training - classes).abs() < 40.0 && strongest > training + 100.0 && similar_units > classes + 40.0
    );
    let [training, classes, strongest, similar_units] = tops(1200.0);
    let all = [training, classes, strongest, similar_units];
    assert!(all.iter().all(|top| (top - training).abs() < 40.0), "side by side: {all:?}");
}

#[test]
fn of_a_thousand_classes_the_visible_ones_are_laid_out() {
    let mut window = one();
    let state = window.state_mut();
    let class = state.recording.classes[0].clone();
    let named = |index: usize| crate::model::Class { name: format!("class{index}"), ..class.clone() };
    state.recording.classes = (0..1000).map(named).collect();
    let mut many = profile(17);
    let of = |class| Distribution { class: Some(class), ..many.distributions[1].clone() };
    many.distributions = (0..1000).map(of).collect();
    for epoch_stats in &mut many.history {
        epoch_stats.classes = vec![0.25; 1000];
    }
    state.profiles[0].1 = Some(Ok(many));
    window.run();
    let rows = window.get_all_by_label_contains("Classes: class").count();
    assert!((13..=15).contains(&rows), "{rows} rows");
}
