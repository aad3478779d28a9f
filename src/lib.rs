//! See a neural network learn: the activations of a whole network, in 3D, on the GPU, all along its
//! training.

pub mod engine;
pub mod model;
pub mod ui;
