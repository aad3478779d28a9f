//! Random numbers and approximate functions of the synthetic network.

/// Mixes the bits of a number as SplitMix64 does (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators, 2014).
pub(super) fn scramble(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns a uniform number in [0, 1) from the upper bits.
pub(super) fn uniform(random: u64) -> f32 {
    (random >> 40) as f32 / (1_u64 << 24) as f32
}

/// Returns a nearly normal number of mean 0 and deviation 1: the sum of four uniform numbers.
pub(super) fn normal(random: u64) -> f32 {
    let sum: u64 = (0..4).map(|part| (random >> (16 * part)) & 0xffff).sum();
    (sum as f32 / 65536.0 - 2.0) * 3.0_f32.sqrt()
}

/// Approximates the sine of an angle in turns by a parabola for each half.
pub(super) fn wave(turns: f32) -> f32 {
    let t = 2.0 * (turns - turns.floor()) - 1.0;
    -4.0 * t * (1.0 - t.abs())
}

/// The error function, exact to 1.5e-7 (Abramowitz and Stegun, 7.1.26).
pub(super) fn error_function(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let polynomial =
        t * (0.254_829_6 + t * (-0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4))));
    (1.0 - polynomial * (-x * x).exp()).copysign(x)
}
