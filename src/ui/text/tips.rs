//! Tooltips of options: one sentence each.

/// Returns the tooltip of an option in a group of options; `None` if its name says everything.
pub fn option_tip(group: &str, name: &str) -> Option<&'static str> {
    Some(match (group, name) {
        ("Show" | "Minus", "General") => "All inputs, or all that were predicted right or wrong.",
        ("Show" | "Minus", "Class") => "The inputs of one class or several.",
        ("Show" | "Minus", "Input") => "Single inputs, with their pictures where they were recorded.",
        ("Minus", "None") => "Nothing is subtracted: the values of Show are drawn.",
        (_, "Right") => "Only inputs whose predicted class is their own.",
        (_, "Wrong") => "Only inputs whose predicted class is another than their own.",
        ("Difference", "Signed") => "Show minus Minus: below zero where Minus is greater.",
        ("Difference", "Absolute") => "The distance of the two, whichever is greater.",
        ("Difference", "Effect size") => {
            "The difference of the means in units of their pooled standard deviation (Cohen's d)."
        }
        ("Statistic", "Mean") => "The mean activation of each unit over the inputs.",
        ("Statistic", "Std") => {
            "How much the activation of each unit varies over the inputs: the standard deviation."
        }
        ("Statistic", "Min") => "The least activation of each unit among the inputs.",
        ("Statistic", "Max") => "The greatest activation of each unit among the inputs.",
        ("Statistic", "Rate") => "The share of the inputs for which a unit is active, above 0.",
        ("Statistic", "Count") => "The number of inputs for which a unit has a finite value.",
        ("Normalisation", "Raw") => "The values as the network computed them.",
        ("Normalisation", "Layer") => "The values of each layer divided by its greatest.",
        ("Normalisation", "Network") => "All values divided by the greatest of the network.",
        ("Range", "Auto") => "The colours span what suits the values: usually each layer's own range.",
        ("Range", "Per layer") => "The colours span the range of each layer.",
        ("Range", "Network") => {
            "The colours span one range for all layers, so that they compare between layers."
        }
        ("Range", "Fixed") => "The colours span two values that you enter.",
        ("Clip percent", _) => {
            "This share of a layer's values at each end is drawn as the end of the colours, so that a few extreme \
             units do not decide them."
        }
        ("Order", "As trained") => "The units are in the order of the network.",
        ("Order", "Strength") => "The greatest values come first.",
        ("Order", "Class") => "Units are grouped by the class for which they are most active.",
        ("Order", "Likeness") => "Units with similar activations are neighbours.",
        ("View", "Overview") => "The whole network at an angle.",
        ("View", "Front") => "The network from the front, as the first layer faces.",
        ("View", "Top") => "The network from above.",
        ("View", "Grazing") => "Along the slabs, where the heights of the cells stand out.",
        ("View", "Close") => "Close to the first layers.",
        _ => return None,
    })
}
