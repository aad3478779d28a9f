// What some rows say of four units, and how two such are joined. Bits decide what is finite, since
// WGSL lets a device assume that nothing is NaN or infinite.

// What is wanted of the rows, and how many vectors that is in memory; as in aggregate/pass.rs.
override KIND: u32 = 5u;
override PARTS: u32 = 4u;

const COUNT: u32 = 0u;
const RATE: u32 = 1u;
const LOW: u32 = 2u;
const HIGH: u32 = 3u;
const MEAN: u32 = 4u;
const SPREAD: u32 = 5u;

// Set in a count when a unit's sums left the range of f32; the CPU computes it then.
const OUT_OF_RANGE: u32 = 0x80000000u;
// Squares of distances that sum to less have lost bits, if the distances were not zero.
const LEAST_SQUARES: f32 = 1e-30;

// Memory order of what a kind has: head, positives, high, low, squares.
struct Summary {
    // Finite values; of LOW and HIGH, the least or greatest one as an ordered integer.
    head: vec4<u32>,
    // Values above zero.
    positives: vec4<u32>,
    // The mean is high + low: a pair, so that nothing is lost when many rows vary little around a
    // large value.
    high: vec4<f32>,
    low: vec4<f32>,
    // Squared distances from the mean, summed.
    squares: vec4<f32>,
}

fn nothing() -> Summary {
    var head = 0u;
    if KIND == LOW {
        head = 0x7fffffffu;
    }
    if KIND == HIGH {
        head = 0x80000000u;
    }
    let zero = vec4<f32>(0.0);
    return Summary(vec4<u32>(head), vec4<u32>(0u), zero, zero, zero);
}

fn is_finite(bits: vec4<u32>) -> vec4<bool> {
    return (bits & vec4<u32>(0x7f800000u)) != vec4<u32>(0x7f800000u);
}

// Floats as integers of the same order, and back.
fn ordered(bits: vec4<u32>) -> vec4<i32> {
    let value = bitcast<vec4<i32>>(bits);
    return value ^ ((value >> vec4<u32>(31u)) & vec4<i32>(0x7fffffff));
}

fn counts(summary: Summary) -> vec4<u32> {
    return summary.head & vec4<u32>(~OUT_OF_RANGE);
}

// The pair that stands for a + b. Its first number is cut short, by its bits: a compiler that may
// reorder sums would find that the second is zero otherwise.
fn upper(sum: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(sum) & vec4<u32>(0xfffff000u));
}

fn flags(summary: Summary, differ: vec4<bool>) -> vec4<u32> {
    var within = is_finite(bitcast<vec4<u32>>(summary.high)) & is_finite(bitcast<vec4<u32>>(summary.low));
    if KIND == SPREAD {
        within &= is_finite(bitcast<vec4<u32>>(summary.squares));
        within &= !(differ & (summary.squares < vec4<f32>(LEAST_SQUARES)));
    }
    return select(vec4<u32>(OUT_OF_RANGE), vec4<u32>(0u), within);
}

// By the formula of Chan, Golub and LeVeque (1979).
fn merged(a: Summary, b: Summary) -> Summary {
    var both = a;
    if KIND == LOW {
        both.head = bitcast<vec4<u32>>(min(bitcast<vec4<i32>>(a.head), bitcast<vec4<i32>>(b.head)));
    } else if KIND == HIGH {
        both.head = bitcast<vec4<u32>>(max(bitcast<vec4<i32>>(a.head), bitcast<vec4<i32>>(b.head)));
    } else {
        both.head = (counts(a) + counts(b)) | ((a.head | b.head) & vec4<u32>(OUT_OF_RANGE));
    }
    if KIND == RATE {
        both.positives = a.positives + b.positives;
    }
    if KIND == MEAN || KIND == SPREAD {
        let share = vec4<f32>(counts(b)) / max(vec4<f32>(counts(a) + counts(b)), vec4<f32>(1.0));
        let apart = (b.high - a.high) + (b.low - a.low);
        let step = a.low + apart * share;
        both.high = upper(a.high + step);
        both.low = (a.high - both.high) + step;
        both.squares = (a.squares + b.squares) + apart * (apart * (vec4<f32>(counts(a)) * share));
        // What has no values says nothing.
        let only_a = counts(b) == vec4<u32>(0u);
        let only_b = counts(a) == vec4<u32>(0u);
        both.high = select(select(both.high, b.high, only_b), a.high, only_a);
        both.low = select(select(both.low, b.low, only_b), a.low, only_a);
        both.squares = select(select(both.squares, b.squares, only_b), a.squares, only_a);
        let same = (bitcast<vec4<u32>>(a.high) == bitcast<vec4<u32>>(b.high))
            & (bitcast<vec4<u32>>(a.low) == bitcast<vec4<u32>>(b.low));
        both.head |= flags(both, !(same | only_a | only_b));
    }
    return both;
}
