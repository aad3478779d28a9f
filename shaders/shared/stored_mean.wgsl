// Summaries in memory, of kind MEAN.

#import "shared/summary.wgsl" { Summary, empty_summary }

struct StoredSummary {
    count: vec4<u32>,
    high: vec4<f32>,
    low: vec4<f32>,
}

fn stored(summary: Summary) -> StoredSummary {
    return StoredSummary(summary.count, summary.high, summary.low);
}

fn summary_of(stored_summary: StoredSummary) -> Summary {
    var summary = empty_summary();
    summary.count = stored_summary.count;
    summary.high = stored_summary.high;
    summary.low = stored_summary.low;
    return summary;
}
