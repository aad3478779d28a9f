//! Facts of a PyTorch module, read from its printed text.

/// Classes of modules that contain others and have no parameters of their own.
const CONTAINERS: [&str; 2] = ["Sequential", "ModuleList"];

/// Prefixes of the classes of modules without parameters. `Flat` is a class of DeepDIVA.
const WITHOUT_PARAMETERS: [&str; 24] = [
    "ReLU",
    "LeakyReLU",
    "ELU",
    "SELU",
    "CELU",
    "GELU",
    "SiLU",
    "Mish",
    "Hardswish",
    "Hardsigmoid",
    "Hardtanh",
    "Sigmoid",
    "Tanh",
    "Softmax",
    "LogSoftmax",
    "Softplus",
    "MaxPool",
    "AvgPool",
    "Adaptive",
    "Dropout",
    "Flat",
    "Identity",
    "ZeroPad",
    "Upsample",
];

/// One module of a printed text: its class, and the text between its parentheses if they are on one line.
struct PrintedModule<'a> {
    class: &'a str,
    arguments: Option<&'a str>,
}

/// Returns the class that describes the layer: the module's own or, for a `Sequential`, that of the first
/// module inside with parameters that is no normalisation. Empty if the text names none.
pub(super) fn class(text: &str) -> &str {
    let modules: Vec<PrintedModule<'_>> = printed_modules(text).collect();
    let Some(outer) = modules.first() else { return "" };
    if !CONTAINERS.contains(&outer.class) {
        return outer.class;
    }
    let inner = || modules.iter().filter(|module| !CONTAINERS.contains(&module.class));
    inner()
        .find(|module| !is_without_parameters(module.class) && !module.class.contains("Norm"))
        .or_else(|| inner().next())
        .map_or(outer.class, |module| module.class)
}

/// Returns the number of trainable parameters of all modules in the text, or `None` if one of them is unknown.
pub(super) fn parameters(text: &str) -> Option<u64> {
    let mut modules = printed_modules(text).peekable();
    modules.peek()?;
    modules.try_fold(0_u64, |sum, module| sum.checked_add(module_parameters(&module)?))
}

fn module_parameters(module: &PrintedModule<'_>) -> Option<u64> {
    let Some(arguments) = module.arguments else {
        // A container of unknown class may have parameters of its own that are not printed.
        return CONTAINERS.contains(&module.class).then_some(0);
    };
    if is_without_parameters(module.class) {
        return Some(0);
    }
    let arguments = split(arguments);
    let named = |name: &str| {
        arguments.iter().find_map(|argument| argument.strip_prefix(name)?.trim_start().strip_prefix('='))
    };
    let number = |index: usize| arguments.get(index)?.parse::<u64>().ok();
    let bias = named("bias").is_none_or(|value| value.trim() == "True");
    if module.class == "Linear" {
        let inputs: u64 = named("in_features")?.trim().parse().ok()?;
        let outputs: u64 = named("out_features")?.trim().parse().ok()?;
        return inputs.checked_mul(outputs)?.checked_add(if bias { outputs } else { 0 });
    }
    if module.class.starts_with("Conv") {
        let (inputs, outputs) = (number(0)?, number(1)?);
        let groups = named("groups").map_or(Some(1), |value| value.trim().parse::<u64>().ok())?;
        let kernel = named("kernel_size")?
            .trim_matches(['(', ')', ' '])
            .split(',')
            .filter(|side| !side.trim().is_empty())
            .try_fold(1_u64, |product, side| product.checked_mul(side.trim().parse().ok()?))?;
        let weights = inputs.checked_mul(outputs)?.checked_mul(kernel)?.checked_div(groups)?;
        return weights.checked_add(if bias { outputs } else { 0 });
    }
    if module.class.starts_with("BatchNorm") {
        let affine = named("affine").is_none_or(|value| value.trim() == "True");
        return number(0)?.checked_mul(if affine { 2 } else { 0 });
    }
    if module.class == "Embedding" {
        return number(0)?.checked_mul(number(1)?);
    }
    None
}

fn is_without_parameters(class: &str) -> bool {
    WITHOUT_PARAMETERS.iter().any(|prefix| class.starts_with(prefix))
}

/// Iterates over the modules of a printed text, one per line: `(0): Class(arguments)`, or `Class(` before its
/// parts.
fn printed_modules(text: &str) -> impl Iterator<Item = PrintedModule<'_>> {
    text.lines().filter_map(|line| {
        let line = line.trim();
        let line = match line.strip_prefix('(') {
            Some(named) => named.split_once("): ")?.1,
            None => line,
        };
        let (class, rest) = line.split_once('(')?;
        let is_name = !class.is_empty() && class.chars().all(|c| c.is_alphanumeric() || c == '_');
        is_name.then(|| PrintedModule { class, arguments: rest.trim_end().strip_suffix(')') })
    })
}

/// Splits at the commas outside parentheses.
fn split(arguments: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i64, 0, Vec::new());
    for (at, c) in arguments.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(arguments[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(arguments[start..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequential_has_the_class_of_its_first_module_with_parameters() {
        let text = "Sequential(\n  (0): Conv2d(3, 64, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))\n  (1): ReLU()\n)";
        assert_eq!((class(text), parameters(text)), ("Conv2d", Some(3 * 64 * 25 + 64)));
        let text =
            "Sequential(\n  (0): Flat()\n  (1): Linear(in_features=4096, out_features=512, bias=True)\n)";
        assert_eq!((class(text), parameters(text)), ("Linear", Some(4096 * 512 + 512)));
        assert_eq!(class("Sequential(\n  (0): Dropout(p=0.5, inplace=False)\n)"), "Dropout");
    }

    #[test]
    fn parameters_follow_groups_bias_and_normalisation() {
        assert_eq!(parameters("Linear(in_features=3, out_features=4, bias=False)"), Some(12));
        assert_eq!(parameters("Conv2d(8, 8, kernel_size=(3, 3), groups=8, bias=False)"), Some(72));
        assert_eq!(parameters("Conv1d(2, 3, kernel_size=(5,), stride=(1,))"), Some(33));
        assert_eq!(parameters("BatchNorm2d(16, eps=1e-05, momentum=0.1, affine=True)"), Some(32));
    }

    #[test]
    fn unknown_modules_give_no_count() {
        assert_eq!(parameters("Mystery(3, 4)"), None);
        assert_eq!(parameters("BasicBlock(\n  (conv1): Conv2d(3, 4, kernel_size=(1, 1))\n)"), None);
        assert_eq!(class("BasicBlock(\n  (conv1): Conv2d(3, 4, kernel_size=(1, 1))\n)"), "BasicBlock");
        assert_eq!((class(""), parameters("")), ("", None));
        assert_eq!(parameters("Linear(in_features=18446744073709551615, out_features=2)"), None);
        assert_eq!(parameters("Conv2d(3, 4, kernel_size=(3, 3), groups=0)"), None);
    }
}
