//! The preferred class of a unit and its selectivity.

/// The class selectivity of a unit: (μ_max − μ_rest) / (μ_max + μ_rest), where μ_max is the greatest class
/// mean and μ_rest the mean of the other class means, means below 0 counting as 0 (Morcos, Barrett,
/// Rabinowitz and Botvinick, "On the importance of single directions for generalization", 2018).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selectivity {
    /// The class selectivity index, in [0, 1].
    pub index: f32,
    /// The preferred class, that of μ_max, as an index into the recording's classes.
    pub class: usize,
}

/// Accumulator of a unit's class means, from which its selectivity is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Preference {
    /// The class with the greatest mean so far, and that mean.
    greatest: Option<(usize, f32)>,
    /// Sum of the means, those below 0 counting as 0.
    sum: f64,
    /// Number of classes with a mean.
    classes: usize,
}

impl Preference {
    /// Adds the mean of a class; means that are not finite are ignored.
    pub(super) fn add(&mut self, class: usize, mean: f32) {
        if !mean.is_finite() {
            return;
        }
        if self.greatest.is_none_or(|(_, greatest)| mean > greatest) {
            self.greatest = Some((class, mean));
        }
        self.sum += f64::from(mean.max(0.0));
        self.classes += 1;
    }

    /// The selectivity; `None` with means of fewer than two classes, or if none is above 0.
    pub(super) fn selectivity(&self) -> Option<Selectivity> {
        let (class, greatest) = self.greatest.filter(|&(_, greatest)| greatest > 0.0)?;
        let others = self.classes.checked_sub(1).filter(|&others| others > 0)? as f64;
        let greatest = f64::from(greatest);
        let rest = ((self.sum - greatest) / others).max(0.0);
        Some(Selectivity { index: ((greatest - rest) / (greatest + rest)) as f32, class })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selectivity(means: &[f32]) -> Option<Selectivity> {
        let mut preference = Preference::default();
        means.iter().enumerate().for_each(|(class, &mean)| preference.add(class, mean));
        preference.selectivity()
    }

    #[test]
    fn index_agrees_with_its_definition() {
        assert_eq!(
            selectivity(&[0.0, 3.0, 0.0]),
            Some(Selectivity { index: 1.0, class: 1 }),
            "one class alone"
        );
        assert_eq!(
            selectivity(&[2.0, 2.0]),
            Some(Selectivity { index: 0.0, class: 0 }),
            "no class more than another"
        );
        // (4 − 1.5) / (4 + 1.5), means below 0 counting as 0.
        let selective = selectivity(&[1.0, -9.0, 4.0, 3.5]).expect("a class");
        assert!((selective.index - 2.5 / 5.5).abs() < 1e-6 && selective.class == 2, "{selective:?}");
    }

    #[test]
    fn without_two_classes_or_a_positive_mean_there_is_none() {
        assert_eq!(selectivity(&[]), None);
        assert_eq!(selectivity(&[5.0]), None, "one class alone has no rest");
        assert_eq!(selectivity(&[5.0, f32::NAN]), None);
        assert_eq!(selectivity(&[0.0, -1.0, 0.0]), None, "a dead unit prefers nothing");
        assert_eq!(selectivity(&[f32::NAN, 1.0, 0.0]), Some(Selectivity { index: 1.0, class: 1 }));
    }
}
