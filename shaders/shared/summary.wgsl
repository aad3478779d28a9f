// Summaries of rows, of four units each, and merging two of them. Finite values are distinguished from
// others by their bits, since WGSL lets a device assume that nothing is NaN or infinite.

// The statistic that is computed, as in aggregate/pass.rs.
override KIND: u32 = 5u;

const COUNT: u32 = 0u;
const RATE: u32 = 1u;
const LOW: u32 = 2u;
const HIGH: u32 = 3u;
const MEAN: u32 = 4u;
const DEVIATION: u32 = 5u;

// Bit of a count: a unit's sums left the range of f32, and the CPU has to compute it.
const OUT_OF_RANGE: u32 = 0x80000000u;
// Sums of squared distances below this are imprecise, unless all distances are zero.
const LEAST_SQUARES: f32 = 1e-30;

// The summary of a set of rows. Each kind uses some of the members, see shared/stored_*.wgsl; the others are
// zero.
struct Summary {
    // Numbers of finite values. Bit OUT_OF_RANGE is set where the CPU has to compute the unit.
    count: vec4<u32>,
    // Numbers of values above zero.
    positives: vec4<u32>,
    // Least or greatest finite values, as ordered integers.
    extreme: vec4<i32>,
    // The mean is high + low: a pair, so that no precision is lost when many rows vary little around
    // a large value.
    high: vec4<f32>,
    low: vec4<f32>,
    // Squared distances from the mean, summed.
    squares: vec4<f32>,
}

// Summary of no rows.
fn empty_summary() -> Summary {
    var extreme = 0;
    if KIND == LOW {
        extreme = 0x7fffffff;
    }
    if KIND == HIGH {
        extreme = -0x7fffffff - 1;
    }
    let zero = vec4<f32>(0.0);
    return Summary(vec4<u32>(0u), vec4<u32>(0u), vec4<i32>(extreme), zero, zero, zero);
}

fn is_finite(bits: vec4<u32>) -> vec4<bool> {
    return (bits & vec4<u32>(0x7f800000u)) != vec4<u32>(0x7f800000u);
}

// Bits of floats → integers of the same order.
fn ordered(bits: vec4<u32>) -> vec4<i32> {
    let value = bitcast<vec4<i32>>(bits);
    return value ^ ((value >> vec4<u32>(31u)) & vec4<i32>(0x7fffffff));
}

// The inverse of `ordered`.
fn unordered(key: vec4<i32>) -> vec4<u32> {
    return bitcast<vec4<u32>>(key ^ ((key >> vec4<u32>(31u)) & vec4<i32>(0x7fffffff)));
}

fn counts(summary: Summary) -> vec4<u32> {
    return summary.count & vec4<u32>(~OUT_OF_RANGE);
}

// The high part of the pair for a sum, truncated by its bits: otherwise a compiler that may reorder sums
// could simplify the low part to zero.
fn upper(sum: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(sum) & vec4<u32>(0xfffff000u));
}

// OUT_OF_RANGE where sums left the range of f32. `differ`: not all values of a unit are equal.
fn flags(summary: Summary, differ: vec4<bool>) -> vec4<u32> {
    var within = is_finite(bitcast<vec4<u32>>(summary.high)) & is_finite(bitcast<vec4<u32>>(summary.low));
    if KIND == DEVIATION {
        within &= is_finite(bitcast<vec4<u32>>(summary.squares));
        within &= !(differ & (summary.squares < vec4<f32>(LEAST_SQUARES)));
    }
    return select(vec4<u32>(OUT_OF_RANGE), vec4<u32>(0u), within);
}

// The summary of the rows of both, by the formula of Chan, Golub and LeVeque (1979).
fn merged(a: Summary, b: Summary) -> Summary {
    var both = a;
    if KIND == LOW {
        both.extreme = min(a.extreme, b.extreme);
    } else if KIND == HIGH {
        both.extreme = max(a.extreme, b.extreme);
    } else {
        both.count = (counts(a) + counts(b)) | ((a.count | b.count) & vec4<u32>(OUT_OF_RANGE));
    }
    if KIND == RATE {
        both.positives = a.positives + b.positives;
    }
    if KIND == MEAN || KIND == DEVIATION {
        let share = vec4<f32>(counts(b)) / max(vec4<f32>(counts(a) + counts(b)), vec4<f32>(1.0));
        let apart = (b.high - a.high) + (b.low - a.low);
        let step = a.low + apart * share;
        both.high = upper(a.high + step);
        both.low = (a.high - both.high) + step;
        both.squares = (a.squares + b.squares) + apart * (apart * (vec4<f32>(counts(a)) * share));
        // A side without values changes nothing.
        let only_a = counts(b) == vec4<u32>(0u);
        let only_b = counts(a) == vec4<u32>(0u);
        both.high = select(select(both.high, b.high, only_b), a.high, only_a);
        both.low = select(select(both.low, b.low, only_b), a.low, only_a);
        both.squares = select(select(both.squares, b.squares, only_b), a.squares, only_a);
        let same = (bitcast<vec4<u32>>(a.high) == bitcast<vec4<u32>>(b.high))
            & (bitcast<vec4<u32>>(a.low) == bitcast<vec4<u32>>(b.low));
        both.count |= flags(both, !(same | only_a | only_b));
    }
    return both;
}
