//! The formats of render targets.

/// Format of pictures: 8 bits a channel, holding sRGB-encoded values.
pub(super) const COLOUR_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

/// The output of a pass that draws slabs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// sRGB-encoded colour, blended over the target.
    Colour(wgpu::TextureFormat),
    /// (layer + 1, cell + 1) as `Rg32Uint`.
    Cell,
}

/// Format of the rank buffer: a depth buffer that holds draw order instead of depth, see `vs_occluder` in
/// shaders/slabs.wgsl.
pub(super) const RANK_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Depth32Float;

/// Format of [`Target::Cell`].
pub(super) const CELL_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rg32Uint;

impl Target {
    /// Returns the entry point of the fragment shader.
    pub(super) fn entry_point(self) -> &'static str {
        match self {
            Self::Colour(_) => "fs_main",
            Self::Cell => "fs_cell",
        }
    }

    /// Returns the colour target of a pipeline; cell indices are never blended.
    pub(super) fn state(self, blend: Option<wgpu::BlendState>) -> wgpu::ColorTargetState {
        match self {
            Self::Colour(format) => {
                wgpu::ColorTargetState { format, blend, write_mask: wgpu::ColorWrites::ALL }
            }
            Self::Cell => wgpu::ColorTargetState {
                format: CELL_FORMAT,
                blend: None,
                write_mask: wgpu::ColorWrites::ALL,
            },
        }
    }
}
