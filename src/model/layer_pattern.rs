//! Patterns of layer names, the same for every search, option and filter.

use super::{LayerIndex, Recording};

/// Number of similar names in a message, and the greatest number of characters of each.
const NEAREST: usize = 5;
const NAME_CHARS: usize = 60;

/// A pattern of names, without case. It matches any part of a name. With `*` (any text) or `?` (any
/// character), the matched part must reach to the end of the name. Several patterns are separated by commas;
/// a name must match one of them.
///
/// ```
/// use dnnviz::model::NamePattern;
///
/// let pattern = NamePattern::new("conv?, fc");
/// assert!(pattern.matches("features.conv2") && pattern.matches("FC1"));
/// assert!(!pattern.matches("features.conv22"));
/// ```
#[derive(Debug)]
pub struct NamePattern(Vec<Alternative>);

/// One of the patterns between commas.
#[derive(Debug)]
struct Alternative {
    /// Lower case, beginning with `*`.
    text: Vec<char>,
    /// `true` if `?` stands for any character.
    has_wildcards: bool,
}

/// A pattern that matches no layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no layer `{pattern}`; {known}")]
pub struct UnknownLayer {
    /// The pattern.
    pub pattern: String,
    /// Names of layers that are similar, for the message.
    pub known: String,
}

impl NamePattern {
    /// Creates a pattern. An empty text matches every name.
    pub fn new(text: &str) -> Self {
        let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        let parts = if parts.is_empty() { vec![""] } else { parts };
        Self(parts.into_iter().map(Alternative::new).collect())
    }

    /// Returns `true` if `name` matches.
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.to_lowercase().chars().collect();
        self.0.iter().any(|alternative| alternative.matches(&name))
    }
}

impl Alternative {
    fn new(text: &str) -> Self {
        let has_wildcards = text.contains(['*', '?']);
        let lower = text.to_lowercase();
        let text = if has_wildcards { format!("*{lower}") } else { format!("*{lower}*") };
        Self { text: text.chars().collect(), has_wildcards }
    }

    /// Returns `true` if a name in lower case matches.
    fn matches(&self, name: &[char]) -> bool {
        let (mut at, mut on) = (0, 0);
        // Position of the last `*`, and the end of the text that it matched.
        let mut star: Option<(usize, usize)> = None;
        while on < name.len() {
            match self.text.get(at) {
                Some('*') => {
                    star = Some((at, on));
                    at += 1;
                }
                Some(&c) if c == name[on] || (c == '?' && self.has_wildcards) => (at, on) = (at + 1, on + 1),
                _ => {
                    let Some((begun, reached)) = star else { return false };
                    star = Some((begun, reached + 1));
                    (at, on) = (begun + 1, reached + 1);
                }
            }
        }
        self.text[at..].iter().all(|&c| c == '*')
    }
}

impl Recording {
    /// The layers that match `patterns`, a list separated by commas, in the order of the network. A layer
    /// that is called exactly like the list, or like one of its patterns, goes before those that match it.
    ///
    /// # Errors
    /// Returns [`UnknownLayer`] if one of the patterns matches no layer.
    pub fn layers_matching(&self, patterns: &str) -> Result<Vec<LayerIndex>, UnknownLayer> {
        let of = |is_match: &dyn Fn(&str) -> bool| -> Vec<LayerIndex> {
            let layers = self.layers.iter().enumerate();
            layers.filter(|(_, layer)| is_match(&layer.name)).map(|(index, _)| LayerIndex(index)).collect()
        };
        let exact = of(&|name| name == patterns);
        if !exact.is_empty() {
            return Ok(exact);
        }
        let mut matching = Vec::new();
        for part in patterns.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let pattern = NamePattern::new(part);
            let exact = of(&|name| name == part);
            let layers = if exact.is_empty() { of(&|name| pattern.matches(name)) } else { exact };
            if layers.is_empty() {
                return Err(self.unknown_layer(part));
            }
            matching.extend(layers);
        }
        matching.sort_unstable();
        matching.dedup();
        Ok(matching)
    }

    /// The error for a name or pattern that no layer has.
    pub fn unknown_layer(&self, pattern: &str) -> UnknownLayer {
        let wanted = pattern.to_lowercase();
        // The last part of a dotted name is often all that is remembered.
        let similarity = |name: &str| {
            let name = name.to_lowercase();
            let last = name.rsplit('.').next().unwrap_or_default();
            strsim::jaro_winkler(&name, &wanted).max(strsim::jaro_winkler(last, &wanted))
        };
        let names: Vec<&str> = self.layers.iter().map(|layer| layer.name.as_str()).collect();
        let short = |name: &str| match name.char_indices().nth(NAME_CHARS) {
            Some((end, _)) => format!("{}…", &name[..end]),
            None => name.to_owned(),
        };
        let list = |names: &[&str]| names.iter().map(|name| short(name)).collect::<Vec<_>>().join(", ");
        let known = if names.len() <= NEAREST {
            format!("there are {}", list(&names))
        } else {
            let mut ranked: Vec<(f64, &str)> = names.iter().map(|name| (similarity(name), *name)).collect();
            // Stable, so that equally similar names stay in the order of the network.
            ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
            let nearest: Vec<&str> = ranked.iter().take(NEAREST).map(|(_, name)| *name).collect();
            format!("of {}, the most similar are {}", names.len(), list(&nearest))
        };
        UnknownLayer { pattern: short(pattern), known }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing;

    #[test]
    fn a_pattern_is_a_part_of_a_name_or_its_end() {
        for (pattern, name, matches) in [
            ("", "anything", true),
            ("CONV", "features.conv2", true),
            ("conv3", "features.conv2", false),
            ("conv?", "conv2", true),
            ("conv?", "conv22", false),
            ("conv?", "features.conv2", true),
            ("features.*", "model.features.conv2", true),
            ("*.conv?", "features.conv2", true),
            ("*a*b", "xaxxbxb", true),
            ("*a*b", "xaxxbxc", false),
            ("a*a", "a", false),
            ("**", "", true),
            ("a*", "", false),
            (" fc ", "fc1", true),
            ("fc,conv", "conv1", true),
            ("fc, ,", "conv1", false),
            (" , ", "conv1", true),
        ] {
            assert_eq!(NamePattern::new(pattern).matches(name), matches, "{pattern} on {name}");
        }
    }

    #[test]
    fn layers_are_chosen_by_names_and_patterns() {
        let mut recording = testing::recording(&[1; 6], &[], &[], &[0]);
        let names = ["conv1", "conv10", "a,b*", "block.conv1", "fc", "Fc2"];
        for (layer, name) in recording.layers.iter_mut().zip(names) {
            layer.name = name.to_owned();
        }
        let of = |patterns: &str| {
            let layers = recording.layers_matching(patterns).map_err(|error| error.to_string())?;
            Ok::<_, String>(layers.into_iter().map(|LayerIndex(index)| index).collect::<Vec<_>>())
        };
        assert_eq!(of("conv1"), Ok(vec![0]), "an exact name alone");
        assert_eq!(of("conv"), Ok(vec![0, 1, 3]));
        assert_eq!(of("a,b*"), Ok(vec![2]), "a name with a comma");
        assert_eq!(of("FC, conv?"), Ok(vec![0, 3, 4, 5]), "in the order of the network");
        assert_eq!(of("fc,conv1"), Ok(vec![0, 4]));
        assert_eq!(
            of("conv1,convx1").unwrap_err(),
            "there is no layer `convx1`; of 6, the most similar are conv1, block.conv1, conv10, fc, Fc2"
        );
    }
}
