//! Two reductions in one pass over the values.

use super::reducer::{BLOCK_ROWS, Reducer, ReducerPart};

impl<A: Reducer, B: Reducer> Reducer for (A, B) {
    type Part<'a>
        = (A::Part<'a>, B::Part<'a>)
    where
        Self: 'a;

    fn new(units: usize) -> Self {
        (A::new(units), B::new(units))
    }

    fn parts(&mut self, width: usize, rows: usize) -> Vec<Self::Part<'_>> {
        self.0.parts(width, rows).into_iter().zip(self.1.parts(width, rows)).collect()
    }

    fn rows(&self) -> usize {
        self.0.rows().max(self.1.rows())
    }
}

impl<A, B, PartA: ReducerPart<A>, PartB: ReducerPart<B>> ReducerPart<(A, B)> for (PartA, PartB) {
    fn add(&mut self, rows: &[&[f32]]) {
        // Few enough rows at once to be in the cache for the second reducer.
        for rows in rows.chunks(BLOCK_ROWS) {
            self.0.add(rows);
            self.1.add(rows);
        }
    }

    fn merge(&mut self, other: &(A, B)) {
        self.0.merge(&other.0);
        self.1.merge(&other.1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Extremes, Firing, Moments, reduce};
    use crate::model::Tensor;

    #[test]
    fn two_reducers_in_one_pass_equal_each_alone() {
        let (rows, units) = (2500, 37);
        let value = |at: usize| match at % 101 {
            7 => f32::NAN,
            11 => f32::INFINITY,
            _ => (at * 7919 % 1009) as f32 * 0.01 - 4.0,
        };
        let tensor = Tensor::from_f32((0..rows * units).map(value).collect(), rows, units).unwrap();
        let odd: Vec<usize> = (0..rows).filter(|row| row % 2 == 1).collect();
        let even: Vec<usize> = (0..rows).filter(|row| row % 2 == 0).collect();
        type Combined = (Moments, (Extremes, Firing));
        let (mut one, other): (Combined, Combined) = (reduce(&tensor, &odd), reduce(&tensor, &even));
        super::Reducer::merge(&mut one, &other);
        let all: Vec<usize> = (0..rows).collect();
        let moments: Moments = reduce(&tensor, &all);
        assert_eq!(one.0.count(), moments.count());
        for (mean, expected) in one.0.mean().iter().zip(moments.mean()) {
            assert!((mean - expected).abs() <= 1e-6 * expected.abs(), "{mean} is not {expected}");
        }
        assert_eq!(one.1, (reduce(&tensor, &all), reduce(&tensor, &all)));
    }
}
