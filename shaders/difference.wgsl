// Summaries of a side's runs, merged in their order → its statistic, or the difference of two sides:
// one value per unit.
//
// Threads: WORKGROUP quads of four units along x, layers along y. In: `layers`, and `sums` as
// aggregate.wgsl writes them. Out: `values`, four a quad: bits of finite numbers, NO_VALUE, or FALLBACK
// for values that the CPU has to compute.

#import stored { StoredSummary, summary_of }
#import "shared/summary.wgsl" {
    COUNT, HIGH, KIND, LOW, MEAN, OUT_OF_RANGE, RATE, Summary, counts, empty_summary, is_finite, merged,
    unordered,
}

const WORKGROUP: u32 = 64u;
const NO_VALUE: u32 = 0x7fc00000u;
const FALLBACK: u32 = 0x7fc00001u;

// Comparison of two sides: the difference of their values, its absolute value, or the effect size; as in
// aggregate/difference.rs.
override DIFF: u32 = 0u;
const SIGNED: u32 = 0u;
const ABSOLUTE: u32 = 1u;
const EFFECT: u32 = 2u;

// The summaries of a layer, or of a range of its units.
struct LayerSummaries {
    // Number of quads.
    quads: u32,
    // Of each side, index of the first quad in `sums`, and number of runs from it on.
    first_a: u32,
    runs_a: u32,
    first_b: u32,
    runs_b: u32,
    // 1 if there is a second side, else 0.
    compared: u32,
    // Index of the first quad in `values`.
    to: u32,
    // Makes a layer two vectors of 16 bytes.
    padding: u32,
}

@group(0) @binding(0) var<storage, read> layers: array<LayerSummaries>;
@group(0) @binding(1) var<storage, read> sums: array<StoredSummary>;
@group(0) @binding(2) var<storage, read_write> values: array<vec4<u32>>;

// Summary of a side of `runs` runs, from the quad of index `first` in `sums` on.
fn side(first: u32, runs: u32, quads: u32, quad: u32) -> Summary {
    var summary = empty_summary();
    for (var i = 0u; i < runs; i++) {
        summary = merged(summary, summary_of(sums[first + i * quads + quad]));
    }
    return summary;
}

fn has_value(summary: Summary) -> vec4<bool> {
    if KIND == LOW || KIND == HIGH {
        return is_finite(unordered(summary.extreme));
    }
    if KIND == COUNT {
        return vec4<bool>(true);
    }
    return counts(summary) != vec4<u32>(0u);
}

// The statistic of one side, as a pair of numbers whose sum it is.
fn statistic(summary: Summary) -> mat2x4<f32> {
    let count = vec4<f32>(counts(summary));
    let zero = vec4<f32>(0.0);
    if KIND == COUNT {
        return mat2x4<f32>(count, zero);
    }
    if KIND == RATE {
        return mat2x4<f32>(vec4<f32>(summary.positives) / max(count, vec4<f32>(1.0)), zero);
    }
    if KIND == MEAN {
        return mat2x4<f32>(summary.high, summary.low);
    }
    return mat2x4<f32>(sqrt(summary.squares / max(count, vec4<f32>(1.0))), zero);
}

@compute @workgroup_size(WORKGROUP)
fn values_of_layers(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.y >= arrayLength(&layers) {
        return;
    }
    let layer = layers[id.y];
    if id.x >= layer.quads {
        return;
    }
    let a = side(layer.first_a, layer.runs_a, layer.quads, id.x);
    var valued = has_value(a);
    // Bit OUT_OF_RANGE of units that the CPU has to compute; never set for LOW and HIGH.
    var fallback = a.count;
    var value = vec4<u32>(0u);
    if KIND == LOW || KIND == HIGH {
        value = unordered(a.extreme);
    } else {
        let own = statistic(a);
        value = bitcast<vec4<u32>>(own[0] + own[1]);
    }
    if layer.compared == 1u {
        let b = side(layer.first_b, layer.runs_b, layer.quads, id.x);
        valued &= has_value(b);
        var apart = vec4<f32>(0.0);
        if KIND == LOW || KIND == HIGH {
            // Without a value, the bits may be those of infinity or NaN.
            let left = select(vec4<u32>(0u), value, valued);
            let right = select(vec4<u32>(0u), unordered(b.extreme), valued);
            apart = bitcast<vec4<f32>>(left) - bitcast<vec4<f32>>(right);
        } else {
            fallback |= b.count;
            if DIFF == EFFECT {
                apart = (a.high - b.high) + (a.low - b.low);
                let zero = apart == vec4<f32>(0.0);
                let freedom = vec4<f32>(counts(a) + counts(b)) - 2.0;
                let squares = a.squares + b.squares;
                let known = (freedom > vec4<f32>(0.0)) & (squares > vec4<f32>(0.0));
                let pooled = sqrt(select(vec4<f32>(1.0), squares / max(freedom, vec4<f32>(1.0)), known));
                apart = select(apart / pooled, vec4<f32>(0.0), zero);
                valued &= zero | known;
            } else {
                let left = statistic(a);
                let right = statistic(b);
                apart = (left[0] - right[0]) + (left[1] - right[1]);
            }
        }
        if DIFF == ABSOLUTE {
            apart = abs(apart);
        }
        value = bitcast<vec4<u32>>(apart);
    }
    let unfit = ((fallback & vec4<u32>(OUT_OF_RANGE)) != vec4<u32>(0u)) | !is_finite(value);
    let shown = select(value, vec4<u32>(FALLBACK), unfit);
    values[layer.to + id.x] = select(vec4<u32>(NO_VALUE), shown, valued | ((fallback & vec4<u32>(OUT_OF_RANGE)) != vec4<u32>(0u)));
}
