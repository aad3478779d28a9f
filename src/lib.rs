//! See a neural network learn: the activations of a whole network, in 3D, on the GPU, all along its training.
//!
//! The library reads recordings and dumps ([`format`](mod@format)), computes statistics of selections and differences
//! ([`stats`], [`insight`]), and draws them ([`scene`], [`engine`], [`export`]); [`Recorder`] records a training
//! from Rust. The window ([`app`], [`ui`]) and the command line ([`cli`]) are built on it.
//!
//! # Example
//!
//! The mean activation of every unit over the inputs of class 3, at the last epoch, minus that over class 5:
//!
//! ```
//! use dnnviz::model::{EpochRef, Query};
//! use dnnviz::stats::{self, Cpu, Sides};
//!
//! let source = dnnviz::format::open("assets/demo".as_ref())?;
//! let epoch = EpochRef::Last.resolve(source.recording())?;
//! let query = Query { select: "class:3".parse()?, minus: Some("class:5".parse()?), ..Query::default() };
//! let table = stats::table(Sides::one(&*source), &query, epoch, &Cpu)?;
//! for (layer, values) in source.recording().layers.iter().zip(&table.layers) {
//!     println!("{}: {} units", layer.name, values.len());
//!     assert_eq!(values.len(), layer.units);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod app;
pub mod capture;
pub mod cli;
pub mod engine;
pub mod export;
pub mod files;
pub mod format;
pub mod insight;
pub mod model;
pub mod scene;
pub mod stats;
pub mod ui;

pub use capture::Recorder;
