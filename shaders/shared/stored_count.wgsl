// Summaries in memory, of kind COUNT.

#import "shared/summary.wgsl" { Summary, empty_summary }

struct StoredSummary {
    count: vec4<u32>,
}

fn stored(summary: Summary) -> StoredSummary {
    return StoredSummary(summary.count);
}

fn summary_of(stored_summary: StoredSummary) -> Summary {
    var summary = empty_summary();
    summary.count = stored_summary.count;
    return summary;
}
