// Summaries in memory, of kind DEVIATION.

#import "shared/summary.wgsl" { Summary, empty_summary }

struct StoredSummary {
    count: vec4<u32>,
    high: vec4<f32>,
    low: vec4<f32>,
    squares: vec4<f32>,
}

fn stored(summary: Summary) -> StoredSummary {
    return StoredSummary(summary.count, summary.high, summary.low, summary.squares);
}

fn summary_of(stored_summary: StoredSummary) -> Summary {
    var summary = empty_summary();
    summary.count = stored_summary.count;
    summary.high = stored_summary.high;
    summary.low = stored_summary.low;
    summary.squares = stored_summary.squares;
    return summary;
}
