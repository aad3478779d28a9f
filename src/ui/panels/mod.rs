//! The panels around the scene, one module each.

pub(super) mod about;
pub(crate) mod bars;
pub(crate) mod columns;
pub(crate) mod command_box;
mod curves;
pub(super) mod input;
pub(super) mod layers;
pub(super) mod minimap;
pub(super) mod options;
mod picker;
pub(crate) mod save_dialog;
pub(super) mod timeline;
pub(super) mod unit;
