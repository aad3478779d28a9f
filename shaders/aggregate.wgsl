// Rows of a layer's values → summaries of every unit: first of each block of rows by itself, then of
// each run of blocks, merged in their order.
//
// Threads: WORKGROUP quads of four units along x, blocks (or runs) along y; each owns its units, so
// there are no atomics and no subgroup operations. In: `data`, the rows; `rows`, the indices of those
// to reduce; `ranges`, the blocks and runs. Out: `parts`, a summary per block and quad; `sums`, a summary
// per run and quad.

#import rows { bits_of, data }
#import stored { StoredSummary, stored, summary_of }
#import "shared/summary.wgsl" {
    DEVIATION, HIGH, KIND, LOW, MEAN, RATE, Summary, empty_summary, flags, is_finite, merged,
    ordered, upper,
}

const WORKGROUP: u32 = 64u;
// Rows whose distances from one value are summed: few enough that rounding errors stay far below 1e-5.
const SHORT: u32 = 32u;

struct Span {
    // Number of quads to reduce.
    quads: u32,
    // Quads from a row to the next.
    stride: u32,
    // Index in `data` of the first of them in row 0.
    first: u32,
    // Numbers of blocks and runs.
    blocks: u32,
    runs: u32,
    // A uniform's size is a multiple of 16 bytes.
    padding_a: u32,
    padding_b: u32,
    padding_c: u32,
}

// The rows of a block, or the blocks of a run.
struct ReductionRange {
    // Index of the first row in `rows`, or of the first block.
    first: u32,
    // Number of rows, or of blocks.
    length: u32,
    // Of a run, index of its first quad in `sums`.
    to: u32,
    // Makes a range one vector of 16 bytes.
    padding: u32,
}

@group(0) @binding(0) var<uniform> span: Span;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
// All blocks, then all runs.
@group(0) @binding(3) var<storage, read> ranges: array<ReductionRange>;
@group(0) @binding(4) var<storage, read_write> parts: array<StoredSummary>;
@group(0) @binding(5) var<storage, read_write> sums: array<StoredSummary>;

// State while rows are added. Sums are of distances from the first finite value.
struct Running {
    count: vec4<u32>,
    positives: vec4<u32>,
    extreme: vec4<i32>,
    // Bits of the first finite value, and the bits in which some value differs from it.
    first: vec4<u32>,
    differ: vec4<u32>,
    sum: vec4<f32>,
    squares: vec4<f32>,
}

// Adds a quad of a row, given by the bits of its values; does nothing unless `present`.
fn add(running: ptr<function, Running>, bits: vec4<u32>, present: bool) {
    let valued = is_finite(bits) & vec4<bool>(present);
    let none = vec4<u32>(0u);
    if KIND == LOW {
        let key = select(vec4<i32>(0x7fffffff), ordered(bits), valued);
        (*running).extreme = min((*running).extreme, key);
        return;
    }
    if KIND == HIGH {
        let key = select(vec4<i32>(-0x7fffffff - 1), ordered(bits), valued);
        (*running).extreme = max((*running).extreme, key);
        return;
    }
    if KIND == RATE {
        let fires = valued & (bitcast<vec4<i32>>(bits) > vec4<i32>(0));
        (*running).positives += select(none, vec4<u32>(1u), fires);
    }
    if KIND == MEAN || KIND == DEVIATION {
        (*running).first = select((*running).first, bits, valued & ((*running).count == none));
        let kept = select((*running).first, bits, valued);
        let apart = bitcast<vec4<f32>>(kept) - bitcast<vec4<f32>>((*running).first);
        (*running).sum += apart;
        if KIND == DEVIATION {
            (*running).squares += apart * apart;
            (*running).differ |= kept ^ (*running).first;
        }
    }
    (*running).count += select(none, vec4<u32>(1u), valued);
}

// Summary of the rows from index `start` to `end` of `rows`, at least one and at most SHORT.
fn short_block(start: u32, end: u32, quad: u32) -> Summary {
    var summary = empty_summary();
    let zero = vec4<u32>(0u);
    var running = Running(zero, zero, summary.extreme, zero, zero, vec4<f32>(0.0), vec4<f32>(0.0));
    let last = end - 1u;
    let place = span.first + quad;
    // Four at a time, so that the loads overlap.
    for (var at = start; at < end; at += 4u) {
        let a = data[place + rows[at] * span.stride];
        let b = data[place + rows[min(at + 1u, last)] * span.stride];
        let c = data[place + rows[min(at + 2u, last)] * span.stride];
        let d = data[place + rows[min(at + 3u, last)] * span.stride];
        add(&running, bits_of(a), true);
        add(&running, bits_of(b), at + 1u < end);
        add(&running, bits_of(c), at + 2u < end);
        add(&running, bits_of(d), at + 3u < end);
    }
    summary.count = running.count;
    summary.extreme = running.extreme;
    summary.positives = running.positives;
    if KIND == MEAN || KIND == DEVIATION {
        let first = bitcast<vec4<f32>>(running.first);
        let offset = running.sum / max(vec4<f32>(running.count), vec4<f32>(1.0));
        summary.high = upper(first + offset);
        summary.low = (first - summary.high) + offset;
        summary.squares = running.squares - running.sum * offset;
        // Zero and negative zero do not differ.
        let zeros = (running.differ == vec4<u32>(0x80000000u)) & ((running.first << vec4<u32>(1u)) == zero);
        summary.count |= flags(summary, (running.differ != zero) & !zeros);
        summary.squares = max(summary.squares, vec4<f32>(0.0));
    }
    return summary;
}

@compute @workgroup_size(WORKGROUP)
fn blocks(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= span.quads || id.y >= span.blocks {
        return;
    }
    let block = ranges[id.y];
    let end = block.first + block.length;
    var summary = empty_summary();
    for (var at = block.first; at < end; at += SHORT) {
        summary = merged(summary, short_block(at, min(at + SHORT, end), id.x));
    }
    parts[id.y * span.quads + id.x] = stored(summary);
}

@compute @workgroup_size(WORKGROUP)
fn runs(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= span.quads || id.y >= span.runs {
        return;
    }
    let run = ranges[span.blocks + id.y];
    var summary = empty_summary();
    for (var block = run.first; block < run.first + run.length; block++) {
        summary = merged(summary, summary_of(parts[block * span.quads + id.x]));
    }
    sums[run.to + id.x] = stored(summary);
}
