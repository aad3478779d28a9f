//! Names from files as they are displayed: with visible control characters, and in visual order.

use std::borrow::Cow;

use unicode_bidi::{BidiClass, bidi_class};

/// Returns a text as it is laid out from left to right. Control characters become their pictures ("␛"),
/// invisible ones that change the direction their code ("⟨U+202E⟩"), and neighbouring words in right-to-left
/// scripts are in the order in which they are read; the characters within such a word stay in logical order, since the shaping
/// of a word reverses them.
pub fn displayed(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let visible: String = text.chars().fold(String::with_capacity(text.len()), |mut visible, character| {
        match character {
            '\u{0}'..='\u{1f}' => visible.extend(char::from_u32(0x2400 + character as u32)),
            '\u{7f}' => visible.push('\u{2421}'),
            '\u{80}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => visible.push_str(&format!("⟨U+{:04X}⟩", character as u32)),
            _ => visible.push(character),
        }
        visible
    });
    Cow::Owned(visual_order(visible))
}

/// Reverses the order of neighbouring words of right-to-left scripts; all else stays where it is, so that the parts
/// of a name keep their order.
fn visual_order(text: String) -> String {
    let words = words(&text);
    let is_space = |word: &&str| word.trim().is_empty();
    let mut ordered: Vec<&str> = Vec::with_capacity(words.len());
    let mut rest = words.as_slice();
    while let Some(first) = rest.first() {
        let neighbours = if is_right_to_left(first) {
            rest.iter().take_while(|word| is_right_to_left(word) || is_space(word)).count()
        } else {
            1
        };
        // Space after the last word stays after it.
        let spaces = rest[..neighbours].iter().rev().take_while(|word| is_space(word)).count();
        let (run, others) = rest.split_at((neighbours - spaces).max(1));
        ordered.extend(run.iter().rev());
        rest = others;
    }
    ordered.concat()
}

/// Returns `true` if a word begins with a character of a right-to-left script.
fn is_right_to_left(word: &str) -> bool {
    word.chars().next().is_some_and(is_strong)
}

/// Returns `true` for characters of right-to-left scripts and the marks on them.
fn is_strong(character: char) -> bool {
    matches!(bidi_class(character), BidiClass::R | BidiClass::AL | BidiClass::NSM)
}

/// Splits a text between characters of right-to-left scripts and others.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((_, character)) = characters.next() {
        if let Some(&(next, following)) = characters.peek()
            && is_strong(character) != is_strong(following)
        {
            words.push(&text[start..next]);
            start = next;
        }
    }
    words.push(&text[start..]);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_visible() {
        assert_eq!(displayed("conv1"), "conv1");
        assert_eq!(displayed("a\u{1b}[31mb\n\u{7f}\u{85}"), "a␛[31mb␊␡⟨U+0085⟩");
        assert_eq!(displayed("x\u{202e}gnp.exe\u{2066}"), "x⟨U+202E⟩gnp.exe⟨U+2066⟩");
        assert_eq!(displayed("层 1 · é"), "层 1 · é");
    }

    #[test]
    fn words_are_in_the_order_in_which_they_are_read() {
        let (layer, two) = ("שכבה", "שתיים");
        assert_eq!(displayed(&format!("{layer} 12 conv")), format!("{layer} 12 conv"));
        assert_eq!(displayed(&format!("conv {layer} {two} 3x3")), format!("conv {two} {layer} 3x3"));
        assert_eq!(displayed(&format!("{layer} {two}")), format!("{two} {layer}"));
        assert_eq!(displayed(&format!("conv.{layer}")), format!("conv.{layer}"));
    }
}
