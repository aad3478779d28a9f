// Summaries in memory, of kind RATE.

#import "shared/summary.wgsl" { Summary, empty_summary }

struct StoredSummary {
    count: vec4<u32>,
    positives: vec4<u32>,
}

fn stored(summary: Summary) -> StoredSummary {
    return StoredSummary(summary.count, summary.positives);
}

fn summary_of(stored_summary: StoredSummary) -> Summary {
    var summary = empty_summary();
    summary.count = stored_summary.count;
    summary.positives = stored_summary.positives;
    return summary;
}
