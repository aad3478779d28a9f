//! Which class a unit answers to most, and how selectively.

use super::Selectivity;

/// What a unit's mean activations over the classes come to, one class after another.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Preference {
    /// The class of the greatest mean so far, and that mean.
    greatest: Option<(usize, f32)>,
    /// Sum of the means, those below 0 as 0.
    sum: f64,
    classes: usize,
}

impl Preference {
    /// Takes in the mean over a class; one that is not finite says nothing.
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

    /// See [`Selectivity`]; `None` with means over fewer than two classes, or where none is above 0.
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

    fn of(means: &[f32]) -> Option<Selectivity> {
        let mut preference = Preference::default();
        means.iter().enumerate().for_each(|(class, &mean)| preference.add(class, mean));
        preference.selectivity()
    }

    #[test]
    fn it_is_the_index_of_the_paper() {
        assert_eq!(of(&[0.0, 3.0, 0.0]), Some(Selectivity { index: 1.0, class: 1 }), "one class alone");
        assert_eq!(of(&[2.0, 2.0]), Some(Selectivity { index: 0.0, class: 0 }), "no class more than another");
        // (4 − 1.5) / (4 + 1.5), what is below 0 counting as 0.
        let found = of(&[1.0, -9.0, 4.0, 3.5]).expect("a class");
        assert!((found.index - 2.5 / 5.5).abs() < 1e-6 && found.class == 2, "{found:?}");
    }

    #[test]
    fn what_cannot_be_said_is_not_said() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[5.0]), None, "one class alone has no rest");
        assert_eq!(of(&[5.0, f32::NAN]), None);
        assert_eq!(of(&[0.0, -1.0, 0.0]), None, "a dead unit prefers nothing");
        assert_eq!(of(&[f32::NAN, 1.0, 0.0]), Some(Selectivity { index: 1.0, class: 1 }));
    }
}
