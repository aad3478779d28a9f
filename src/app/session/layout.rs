//! The layout of a scene, and the moves of its slabs.

use std::collections::BTreeSet;

use crate::model::{Fold, Grid, Layout, LayoutOptions, Recording};
use crate::ui::ViewControl;
use crate::ui::scene::motion::ease;

/// Duration of a move of the slabs, in seconds.
const MOVE_DURATION: f64 = 0.4;
/// Width by height of a picture before its size is known.
const DEFAULT_ASPECT: f32 = 1.5;

/// The layout of a scene. It is computed again when one of its inputs changes.
pub struct SceneLayout {
    goal: Layout,
    /// The inputs of the layout; `None` if it is provisional.
    key: Option<LayoutKey>,
    motion: Option<LayoutMotion>,
}

/// The inputs of a layout.
#[derive(Clone, Debug, PartialEq)]
struct LayoutKey {
    grids: Vec<(Grid, usize)>,
    hidden: BTreeSet<String>,
    fold: Fold,
    picture: Option<f32>,
    aspect: f32,
}

/// An animated move of the slabs.
struct LayoutMotion {
    from: Layout,
    start: f64,
    /// The places at this time.
    now: Layout,
}

impl SceneLayout {
    /// Creates a provisional layout.
    pub fn new(layout: Layout) -> Self {
        Self { goal: layout, key: None, motion: None }
    }

    /// The layout to which the slabs move.
    pub fn goal(&self) -> &Layout {
        &self.goal
    }

    /// See [`Self::goal`].
    pub fn into_goal(self) -> Layout {
        self.goal
    }

    /// The layout as it is drawn.
    pub fn drawn(&self) -> &Layout {
        self.motion.as_ref().map_or(&self.goal, |motion| &motion.now)
    }

    /// Returns `true` while slabs move.
    pub fn is_moving(&self) -> bool {
        self.motion.is_some()
    }

    /// Updates the layout to the view. `grids` are those of the layers of `recording`, and `picture` is the aspect
    /// ratio of the input's picture.
    pub fn update(
        &mut self,
        recording: &Recording,
        grids: Vec<(Grid, usize)>,
        control: &ViewControl,
        picture: Option<f32>,
        now: f64,
    ) {
        let view = &control.view;
        let shown = control.navigator.aspect();
        let key = LayoutKey {
            grids,
            hidden: view.hidden.clone(),
            fold: view.fold.clone(),
            picture,
            aspect: view.camera.rows_aspect(if shown > 0.0 { shown } else { DEFAULT_ASPECT }),
        };
        if self.key.as_ref() != Some(&key) {
            let options = LayoutOptions { fold: &key.fold, hidden: &key.hidden, aspect: key.aspect };
            let layout = Layout { picture, ..Layout::arranged(recording, &key.grids, options) };
            // When the picture changes its shape, nothing is to be followed by the eye.
            let is_regrouped = self.key.as_ref().is_some_and(|before| {
                (&before.grids, before.aspect) == (&key.grids, key.aspect)
                    && (&before.fold, &before.hidden) != (&key.fold, &key.hidden)
            });
            self.motion = (is_regrouped && !control.navigator.reduced_motion).then(|| {
                let from = self.drawn().clone();
                LayoutMotion { now: from.clone(), from, start: now }
            });
            self.goal = layout;
            self.key = Some(key);
        }
        if let Some(motion) = &mut self.motion {
            let t = ((now - motion.start) / MOVE_DURATION) as f32;
            if t < 1.0 {
                motion.now = motion.from.lerp(&self.goal, ease(t));
            } else {
                self.motion = None;
            }
        }
    }
}
