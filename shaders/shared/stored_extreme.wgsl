// Summaries in memory, of kinds LOW and HIGH.

#import "shared/summary.wgsl" { Summary, empty_summary }

struct StoredSummary {
    extreme: vec4<i32>,
}

fn stored(summary: Summary) -> StoredSummary {
    return StoredSummary(summary.extreme);
}

fn summary_of(stored_summary: StoredSummary) -> Summary {
    var summary = empty_summary();
    summary.extreme = stored_summary.extreme;
    return summary;
}
