//! What others say, in one line of bounded length.

/// Returns a text in one line of so many characters at most; one that was cut ends in `…`.
pub(crate) fn one_line(text: &str, longest: usize) -> String {
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    let mut line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(longest) {
        line.truncate(end);
        line.push('…');
    }
    line
}
