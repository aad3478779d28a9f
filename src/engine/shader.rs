//! Shader modules, composed of WGSL files and the files that these import.

mod import;

use import::{Files, ImportError, Part, resolve};

/// Paths and contents of files in `shaders/`.
macro_rules! files {
    ($($file:literal),+ $(,)?) => { &[$(($file, include_str!(concat!("../../shaders/", $file)))),+] };
}

/// All shader files.
const FILES: &Files = files![
    "aggregate.wgsl",
    "blit.wgsl",
    "cells.wgsl",
    "compute.wgsl",
    "difference.wgsl",
    "floors.wgsl",
    "picture.wgsl",
    "place.wgsl",
    "pyramid.wgsl",
    "ribbons.wgsl",
    "shared/box.wgsl",
    "shared/colour.wgsl",
    "shared/frame.wgsl",
    "shared/light.wgsl",
    "shared/ray.wgsl",
    "shared/rows_bf16.wgsl",
    "shared/rows_f16.wgsl",
    "shared/rows_f32.wgsl",
    "shared/rows_u8.wgsl",
    "shared/stored_count.wgsl",
    "shared/stored_deviation.wgsl",
    "shared/stored_extreme.wgsl",
    "shared/stored_mean.wgsl",
    "shared/stored_rate.wgsl",
    "shared/summary.wgsl",
    "shared/surface.wgsl",
    "shared/trace.wgsl",
    "shared/value.wgsl",
    "slabs.wgsl",
];

/// Ray casting through slabs, for pictures and for cell indices.
pub const SLABS: Shader<'_> = Shader::new("slabs.wgsl");
/// Every cell as an instanced box.
pub const CELLS: Shader<'_> = Shader::new("cells.wgsl");
/// Ray casting of the whole picture in a compute shader.
pub const COMPUTE: Shader<'_> = Shader::new("compute.wgsl");
/// The input's picture.
pub const PICTURE: Shader<'_> = Shader::new("picture.wgsl");
/// Ribbons between slabs.
pub const RIBBONS: Shader<'_> = Shader::new("ribbons.wgsl");
/// Floors below slabs, and the shadows on them.
pub const FLOORS: Shader<'_> = Shader::new("floors.wgsl");
/// Copying a picture into the viewport.
pub const BLIT: Shader<'_> = Shader::new("blit.wgsl");
/// Writing the values of slabs to the cells of a tile.
pub const PLACE: Shader<'_> = Shader::new("place.wgsl");
/// Building pyramids.
pub const PYRAMID: Shader<'_> = Shader::new("pyramid.wgsl");
/// Reducing rows to summaries. Has the slots `rows` and `stored`.
pub const AGGREGATE: Shader<'_> = Shader::new("aggregate.wgsl");
/// Computing values from summaries. Has the slot `stored`.
pub const DIFFERENCE: Shader<'_> = Shader::new("difference.wgsl");

/// File for slot `rows`: the memory layout of rows of single floats.
pub const ROWS_F32: &str = "shared/rows_f32.wgsl";
/// File for slot `rows`: the memory layout of rows of half floats.
pub const ROWS_F16: &str = "shared/rows_f16.wgsl";
/// File for slot `rows`: the memory layout of rows of bfloat16.
pub const ROWS_BF16: &str = "shared/rows_bf16.wgsl";
/// File for slot `rows`: the memory layout of rows of bytes.
pub const ROWS_U8: &str = "shared/rows_u8.wgsl";

/// File for slot `stored`: the memory layout of counts.
pub const STORED_COUNT: &str = "shared/stored_count.wgsl";
/// File for slot `stored`: the memory layout of firing rates.
pub const STORED_RATE: &str = "shared/stored_rate.wgsl";
/// File for slot `stored`: the memory layout of minima and maxima.
pub const STORED_EXTREME: &str = "shared/stored_extreme.wgsl";
/// File for slot `stored`: the memory layout of means.
pub const STORED_MEAN: &str = "shared/stored_mean.wgsl";
/// File for slot `stored`: the memory layout of means with squared deviations.
pub const STORED_DEVIATION: &str = "shared/stored_deviation.wgsl";

/// A shader file with entry points, and the files in its slots.
#[derive(Clone, Copy, Debug)]
pub struct Shader<'a> {
    root: &'static str,
    slots: &'a [(&'a str, &'a str)],
}

impl<'a> Shader<'a> {
    const fn new(root: &'static str) -> Self {
        Self { root, slots: &[] }
    }

    /// Returns the shader with `slots`, pairs of a slot's name and the file in it.
    pub fn with(self, slots: &'a [(&'a str, &'a str)]) -> Self {
        Self { slots, ..self }
    }

    /// Returns the files of the composed shader, each after those that it imports.
    fn parts(self) -> Result<Vec<Part>, ImportError> {
        resolve(FILES, self.root, self.slots)
    }

    /// Returns the WGSL source of the composed shader.
    ///
    /// # Errors
    ///
    /// When an import cannot be resolved.
    pub fn source(self) -> Result<String, ImportError> {
        Ok(self.parts()?.into_iter().map(|part| part.body).collect())
    }
}

/// Creates the module of a shader.
///
/// # Panics
///
/// If an import cannot be resolved.
pub fn module(device: &wgpu::Device, label: &str, shader: Shader<'_>) -> wgpu::ShaderModule {
    // The sources are part of the program, and a test composes all combinations of them.
    let source = shader.source().unwrap_or_else(|error| panic!("{label}: {error}"));
    device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(label),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    })
}

#[cfg(test)]
mod tests;
