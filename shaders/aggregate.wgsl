// Rows of a layer's values → what they say of every unit. First each block of rows by itself, then
// the blocks of a run of rows joined in their order.
//
// Threads: WORKGROUP quads of four units along x, blocks (or runs) along y. In: the rows, which of
// them, and where blocks begin and end. Out: `parts`, a summary a block and quad; `sums`, a summary a
// run and quad. No atomics, and no subgroups: a thread has its units to itself, so there is nothing
// to share.

const WORKGROUP: u32 = 64u;
// Rows whose distances from one value are summed: so few that rounding stays far below 1e-5.
const SHORT: u32 = 32u;

struct Span {
    // Quads that are looked at, from the one that `first` begins with.
    quads: u32,
    // Quads from a row to the next.
    stride: u32,
    // In `data`, of row 0.
    first: u32,
    blocks: u32,
    runs: u32,
    padding_a: u32,
    padding_b: u32,
    padding_c: u32,
}

@group(0) @binding(0) var<uniform> span: Span;
@group(0) @binding(1) var<storage, read> data: array<Quad>;
// Numbers of rows.
@group(0) @binding(2) var<storage, read> rows: array<u32>;
// Of each block, its first place in `rows` and its length; then of each run its first block, how many
// blocks it has, and its first quad in `sums`.
@group(0) @binding(3) var<storage, read> table: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> sums: array<vec4<u32>>;

// Rows while they are taken in. Sums are of distances from the first finite value.
struct Running {
    head: vec4<u32>,
    positives: vec4<u32>,
    first: vec4<u32>,
    // Bits in which some value is different from the first.
    differ: vec4<u32>,
    sum: vec4<f32>,
    squares: vec4<f32>,
}

fn take(running: ptr<function, Running>, bits: vec4<u32>, there: bool) {
    let valued = is_finite(bits) & vec4<bool>(there);
    let none = vec4<u32>(0u);
    if KIND == LOW {
        let key = select(vec4<i32>(0x7fffffff), ordered(bits), valued);
        (*running).head = bitcast<vec4<u32>>(min(bitcast<vec4<i32>>((*running).head), key));
        return;
    }
    if KIND == HIGH {
        let key = select(vec4<i32>(-0x7fffffff - 1), ordered(bits), valued);
        (*running).head = bitcast<vec4<u32>>(max(bitcast<vec4<i32>>((*running).head), key));
        return;
    }
    if KIND == RATE {
        let fires = valued & (bitcast<vec4<i32>>(bits) > vec4<i32>(0));
        (*running).positives += select(none, vec4<u32>(1u), fires);
    }
    if KIND == MEAN || KIND == SPREAD {
        (*running).first = select((*running).first, bits, valued & ((*running).head == none));
        let kept = select((*running).first, bits, valued);
        let apart = bitcast<vec4<f32>>(kept) - bitcast<vec4<f32>>((*running).first);
        (*running).sum += apart;
        if KIND == SPREAD {
            (*running).squares += apart * apart;
            (*running).differ |= kept ^ (*running).first;
        }
    }
    (*running).head += select(none, vec4<u32>(1u), valued);
}

// A summary of rows `start` to `end` of the list, at least one and at most SHORT.
fn short_block(start: u32, end: u32, quad: u32) -> Summary {
    var summary = nothing();
    let zero = vec4<u32>(0u);
    var running = Running(summary.head, zero, zero, zero, vec4<f32>(0.0), vec4<f32>(0.0));
    let last = end - 1u;
    let place = span.first + quad;
    // Four at a time, so that four loads are under way.
    for (var at = start; at < end; at += 4u) {
        let a = data[place + rows[at] * span.stride];
        let b = data[place + rows[min(at + 1u, last)] * span.stride];
        let c = data[place + rows[min(at + 2u, last)] * span.stride];
        let d = data[place + rows[min(at + 3u, last)] * span.stride];
        take(&running, bits_of(a), true);
        take(&running, bits_of(b), at + 1u < end);
        take(&running, bits_of(c), at + 2u < end);
        take(&running, bits_of(d), at + 3u < end);
    }
    summary.head = running.head;
    summary.positives = running.positives;
    if KIND == MEAN || KIND == SPREAD {
        let first = bitcast<vec4<f32>>(running.first);
        let offset = running.sum / max(vec4<f32>(running.head), vec4<f32>(1.0));
        summary.high = upper(first + offset);
        summary.low = (first - summary.high) + offset;
        summary.squares = running.squares - running.sum * offset;
        // A zero and a negative zero do not differ.
        let zeros = (running.differ == vec4<u32>(0x80000000u)) & ((running.first << vec4<u32>(1u)) == zero);
        summary.head |= flags(summary, (running.differ != zero) & !zeros);
        summary.squares = max(summary.squares, vec4<f32>(0.0));
    }
    return summary;
}

@compute @workgroup_size(WORKGROUP)
fn blocks(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= span.quads || id.y >= span.blocks {
        return;
    }
    let block = table[id.y];
    let end = block.x + block.y;
    var summary = nothing();
    for (var at = block.x; at < end; at += SHORT) {
        summary = merged(summary, short_block(at, min(at + SHORT, end), id.x));
    }
    let to = (id.y * span.quads + id.x) * PARTS;
    parts[to] = summary.head;
    if KIND == RATE {
        parts[to + 1u] = summary.positives;
    }
    if KIND == MEAN || KIND == SPREAD {
        parts[to + 1u] = bitcast<vec4<u32>>(summary.high);
        parts[to + 2u] = bitcast<vec4<u32>>(summary.low);
    }
    if KIND == SPREAD {
        parts[to + 3u] = bitcast<vec4<u32>>(summary.squares);
    }
}

fn part(at: u32) -> Summary {
    var summary = nothing();
    summary.head = parts[at];
    if KIND == RATE {
        summary.positives = parts[at + 1u];
    }
    if KIND == MEAN || KIND == SPREAD {
        summary.high = bitcast<vec4<f32>>(parts[at + 1u]);
        summary.low = bitcast<vec4<f32>>(parts[at + 2u]);
    }
    if KIND == SPREAD {
        summary.squares = bitcast<vec4<f32>>(parts[at + 3u]);
    }
    return summary;
}

@compute @workgroup_size(WORKGROUP)
fn runs(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= span.quads || id.y >= span.runs {
        return;
    }
    let run = table[span.blocks + id.y];
    var summary = nothing();
    for (var block = run.x; block < run.x + run.y; block++) {
        summary = merged(summary, part((block * span.quads + id.x) * PARTS));
    }
    let to = (run.z + id.x) * PARTS;
    sums[to] = summary.head;
    if KIND == RATE {
        sums[to + 1u] = summary.positives;
    }
    if KIND == MEAN || KIND == SPREAD {
        sums[to + 1u] = bitcast<vec4<u32>>(summary.high);
        sums[to + 2u] = bitcast<vec4<u32>>(summary.low);
    }
    if KIND == SPREAD {
        sums[to + 3u] = bitcast<vec4<u32>>(summary.squares);
    }
}
