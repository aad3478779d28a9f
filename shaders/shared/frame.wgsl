// Bind group 0, the same for every pass of a frame.

struct FrameData {
    clip_from_world: mat4x4<f32>,
    // World position of the eye; width of a pixel at distance 1.
    eye: vec3<f32>,
    pixel: f32,
    // Background, linear light; greatest share of it that haze mixes in.
    ground_colour: vec3<f32>,
    haze: f32,
    // Linear light; distance at which haze begins.
    slab_colour: vec3<f32>,
    haze_near: f32,
    // Linear light; distance at which haze is full.
    no_value_colour: vec3<f32>,
    haze_far: f32,
    // Shade of a cell's faces towards low x, y, z of its slab (left, up, back).
    shade_low: vec3<f32>,
    // Height of a cell of full value, in cells.
    height: f32,
    // Shade of the faces towards high x, y, z (right, down, front).
    shade_high: vec3<f32>,
    // Interpolation between the fields, from 0 to 1.
    t: f32,
    // World width of the free border around the cells of a slab, and thickness of the slabs.
    border: f32,
    thickness: f32,
    // 1 if the middle of the colour map is zero, else 0.
    diverging: u32,
    // Blocks up to this many pixels wide are shown as their mean; 0 shows every cell.
    detail: f32,
    // World directions of the picture's axes, for rays without rasterisation: the ray through pixel
    // (x, y) is forward + x * across + y * down.
    forward: vec3<f32>,
    // Length of `slabs`.
    slabs: u32,
    across: vec3<f32>,
    // Of the picture, in pixels.
    width: u32,
    down: vec3<f32>,
    height_px: u32,
    // Pages of cells, and their edge in texels.
    pages: u32,
    page_size: u32,
    // Height of the rim around the cells of a slab, in cells: that of the value 0 if the colour map diverges,
    // else 0.
    rim: f32,
    // A uniform's size is a multiple of 16 bytes.
    padding: u32,
}

// Body of one layer. Slab coordinates: x right, y down from the top-left corner, z out of the front
// face, all in cells.
struct Slab {
    // World position of the top-left corner of the cells, on the front face.
    corner: vec3<f32>,
    // World width of a cell.
    pitch: f32,
    // Columns and rows of cells.
    grid: vec2<u32>,
    // First texel of its cells.
    base: vec2<u32>,
    page: u32,
    // Coarsest pyramid level.
    top: u32,
    // Colour-map position of a value: (value - low) * inverse_range. Values are in units of the slab: stored
    // values times a power of two.
    low: f32,
    inverse_range: f32,
    layer: u32,
    // Factors from stored values to values, at most 1.
    scale_from: f32,
    scale_to: f32,
    // In [0, 1]; below 1 when the slab hides a framed one.
    opacity: f32,
}

@group(0) @binding(0) var<uniform> frame: FrameData;
// Back to front.
@group(0) @binding(1) var<storage, read> slabs: array<Slab>;
// The colour map: PALETTE_ROWS rows of PALETTE_COLUMNS packed colours, see palette.rs.
@group(0) @binding(2) var<storage, read> palette: array<u32>;
// Layers 0 to pages - 1 hold the cells' values. After them, two pages a layer side by side, the
// greatest of each block: the level of 2^k × 2^k cells is page_size >> k wide and begins at row
// page_size - (page_size >> (k - 1)). Levels are not mipmaps: reads of one fixed mip level are
// cheaper than those of one that differs from pixel to pixel.
@group(0) @binding(3) var cells_from: texture_2d_array<f32>;
@group(0) @binding(4) var cells_to: texture_2d_array<f32>;
// Greatest, mean, deviation and shares of each block, placed like the greatest in `cells_from`, from
// layer 0 on.
@group(0) @binding(5) var blocks_from: texture_2d_array<f32>;
@group(0) @binding(6) var blocks_to: texture_2d_array<f32>;
