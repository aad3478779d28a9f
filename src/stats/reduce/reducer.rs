//! The interface of the accumulators.

/// Number of rows that are decoded, and by most reducers added, at once.
pub(super) const BLOCK_ROWS: usize = 16;

/// An accumulator of rows, with one or more numbers per unit.
pub trait Reducer: Send + Sync + Sized {
    /// A view of some neighbouring units of the accumulator.
    type Part<'a>: ReducerPart<Self>
    where
        Self: 'a;

    /// Creates an accumulator for `units` units, without rows.
    fn new(units: usize) -> Self;

    /// Splits the accumulator into parts of `width` units. The caller adds `rows` more rows to every part.
    fn parts(&mut self, width: usize, rows: usize) -> Vec<Self::Part<'_>>;

    /// The number of rows added so far; 0 for accumulators that do not need it.
    fn rows(&self) -> usize {
        0
    }

    /// Adds the rows of `other`, an accumulator of the same units.
    fn merge(&mut self, other: &Self) {
        for mut part in self.parts(usize::MAX, other.rows()) {
            part.merge(other);
        }
    }
}

/// A view of some neighbouring units of a [`Reducer`].
pub trait ReducerPart<R>: Send {
    /// Adds rows of one value per unit. Many rows at once are faster.
    ///
    /// # Panics
    /// Panics if the length of a row is not the number of units.
    fn add(&mut self, rows: &[&[f32]]);

    /// Adds the rows of `other`, an accumulator of the same units.
    fn merge(&mut self, other: &R);
}
