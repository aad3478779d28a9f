//! Drawing on the GPU. Knows the model and wgpu; no files, no panels.
//!
//! A [`Field`] holds the values of a recording at one epoch: a value per cell, and above the cells a pyramid of the
//! greatest and the mean value of every block. The [`Renderer`] casts rays through it.
//!
//! Order of one frame, written here and nowhere else: occluders → ground colour → floors, slabs, ribbons and input
//! picture, back to front, as [`DrawOrder`](crate::model::DrawOrder) says. Labels, legend and panels are painted over it by the caller.

#![warn(missing_docs)]

pub mod aggregate;
pub mod atlas;
pub(crate) mod bench;
pub(crate) mod blit;
mod cells;
mod compute;
mod compute_layout;
mod draw_list;
mod field;
mod floors;
mod frame;
mod gpu;
mod palette;
mod picture;
pub mod pyramid;
mod quads;
pub mod readback;
pub(crate) mod renderer;
mod ribbons;
mod shader;
mod slabs;
mod target;
#[cfg(test)]
mod testing;
mod textures;

pub use aggregate::Aggregator;
pub use field::{Field, FieldError};
pub use frame::{DrawnNetwork, Frame};
pub use gpu::{Gpu, GpuError, Processor};
pub use picture::InputPicture;
pub use renderer::{Path, Renderer};
