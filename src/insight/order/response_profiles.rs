//! Response profiles: the activations of units over classes or inputs.

/// Response profiles of the units of a layer: their mean activations over classes or inputs, the points.
pub(super) struct ResponseProfiles {
    /// `[units, points]`. Rows have mean 0 and length 1, or are 0 for a unit with equal values at all
    /// points. Profiles of a single point are not standardised.
    pub(super) values: Vec<f32>,
    pub(super) points: usize,
}

impl ResponseProfiles {
    /// The profile of a unit.
    pub(super) fn of_unit(&self, unit: u32) -> &[f32] {
        &self.values[unit as usize * self.points..][..self.points]
    }

    /// Creates profiles from the values of all units at each point.
    pub(super) fn new(columns: &[Vec<f32>], units: usize) -> Self {
        let points = columns.len();
        let mut values = vec![0.0; units * points];
        for (point, column) in columns.iter().enumerate() {
            for (unit, &value) in column.iter().enumerate().take(units) {
                values[unit * points + point] = value;
            }
        }
        if points > 1 {
            values.chunks_exact_mut(points).for_each(standardise);
        } else {
            values.iter_mut().filter(|value| !value.is_finite()).for_each(|value| *value = 0.0);
        }
        Self { values, points }
    }
}

/// Scales a profile to mean 0 and length 1; missing values become the mean.
fn standardise(profile: &mut [f32]) {
    let finite = || profile.iter().filter(|value| value.is_finite()).map(|&value| f64::from(value));
    let mean = finite().sum::<f64>() / finite().count().max(1) as f64;
    let length = finite().map(|value| (value - mean).powi(2)).sum::<f64>().sqrt();
    for value in profile {
        let is_defined = value.is_finite() && length > 0.0;
        *value = if is_defined { ((f64::from(*value) - mean) / length) as f32 } else { 0.0 };
    }
}
