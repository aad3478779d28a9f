//! The panels around the scene, one module each.

pub mod about;
pub mod bars;
pub mod columns;
pub mod command_box;
mod curves;
pub mod input;
pub mod layers;
pub mod minimap;
pub mod options;
pub mod picker;
pub mod timeline;
pub mod unit;
