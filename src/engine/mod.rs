//! Drawing on the GPU. Knows the model and wgpu; no files, no panels.
//!
//! A recording's values become a [`Field`]: per cell a value, and above the cells a pyramid of the
//! greatest and the mean value of every block. The [`Renderer`] casts rays through it.
//!
//! Order of one frame, written here and nowhere else: what slabs hide → ground colour → slabs,
//! ribbons and input picture, back to front. What lies over it (labels, legend, panels) is painted by the caller.

pub mod aggregate;
pub mod atlas;
pub mod bench;
pub mod blit;
pub mod cells;
pub mod compute;
pub mod field;
pub mod frame;
pub mod gpu;
pub mod palette;
pub mod picture;
pub mod pyramid;
pub mod readback;
pub mod renderer;
pub mod ribbons;
pub mod shader;
pub mod slabs;
#[cfg(test)]
mod testing;
mod textures;

pub use aggregate::Aggregator;
pub use field::{Field, FieldError};
pub use frame::{Frame, Network};
pub use gpu::{Gpu, GpuError, Processor};
pub use picture::InputPicture;
pub use renderer::{Path, Renderer};
