// Values → colours of the colour map, as linear light.

#import "shared/frame.wgsl" { Slab, frame, palette }
#import "shared/light.wgsl" { light }

// Rows of the palette: deviations from 0 to PALETTE_DEVIATION.
const PALETTE_DEVIATION: f32 = 0.5;
const PALETTE_ROWS: f32 = 64.0;
const PALETTE_COLUMNS: f32 = 256.0;

// Place of a value on the colour map, in [0, 1]: the column of the palette and the share of the height.
fn palette_position(slab: Slab, value: f32) -> f32 {
    let position = (value - slab.low) * slab.inverse_range;
    return clamp(select(position, 0.5 + 0.5 * position, frame.diverging == 1u), 0.0, 1.0);
}

// A deviation as a share of the colour map.
fn palette_spread(slab: Slab, deviation: f32) -> f32 {
    return deviation * abs(slab.inverse_range) * select(1.0, 0.5, frame.diverging == 1u);
}

// Colour of one value: exactly the legend's colour.
fn colour_of(slab: Slab, value: f32) -> vec3<f32> {
    let column = i32(palette_position(slab, value) * (PALETTE_COLUMNS - 1.0) + 0.5);
    return light(unpack4x8unorm(palette[column]).rgb);
}

// Mean colour of values with this mean and standard deviation.
fn mean_colour(slab: Slab, mean: f32, deviation: f32) -> vec3<f32> {
    let spread = palette_spread(slab, deviation);
    let column = i32(palette_position(slab, mean) * (PALETTE_COLUMNS - 1.0) + 0.5);
    let row = i32(min(spread / PALETTE_DEVIATION, 1.0) * (PALETTE_ROWS - 1.0) + 0.5);
    return light(unpack4x8unorm(palette[row * i32(PALETTE_COLUMNS) + column]).rgb);
}
