//! A range of values.

/// Two values, `low` ≤ `high`: the least and greatest of some values, or the values at the ends of a colour
/// map. In units of the activation, or of what it is divided by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueRange {
    /// The lower end.
    pub low: f32,
    /// The upper end.
    pub high: f32,
}

impl ValueRange {
    /// From 0 to 1.
    pub const UNIT: Self = Self { low: 0.0, high: 1.0 };

    /// The range from `low` to `high`.
    pub const fn new(low: f32, high: f32) -> Self {
        Self { low, high }
    }

    /// The range from `-reach` to `reach`.
    pub const fn symmetric(reach: f32) -> Self {
        Self { low: -reach, high: reach }
    }

    /// The greatest absolute value of the range.
    pub fn reach(self) -> f32 {
        self.low.abs().max(self.high.abs())
    }

    /// The smallest range that holds both.
    pub fn union(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// The smallest range that holds those of both that there are.
    pub fn union_of(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.union(b)),
            (a, b) => a.or(b),
        }
    }

    /// The range `t` of the way from this one to `other`, end by end.
    pub fn lerp(self, other: Self, t: f32) -> Self {
        Self { low: self.low + (other.low - self.low) * t, high: self.high + (other.high - self.high) * t }
    }

    /// Both ends times `factor`, which is positive.
    pub fn scaled(self, factor: f32) -> Self {
        Self { low: self.low * factor, high: self.high * factor }
    }

    /// Both ends divided by `divisor`, which is positive.
    pub fn divided_by(self, divisor: f32) -> Self {
        Self { low: self.low / divisor, high: self.high / divisor }
    }
}
