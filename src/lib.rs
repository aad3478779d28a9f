//! See a neural network learn: the activations of a whole network, in 3D, on the GPU, all along its
//! training.

pub mod app;
pub mod capture;
pub mod cli;
pub mod engine;
pub mod export;
pub mod format;
pub mod insight;
pub mod model;
pub mod scene;
pub mod stats;
pub mod ui;

pub use capture::Recorder;
