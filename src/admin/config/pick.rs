//! A numbered list that somebody chooses from.

use super::ask::{Dialog, line};
use crate::admin::catalog::{price, worth};
use crate::admin::table;
use crate::error::Error;
use crate::hoster::http::Choice;

/// How many choices are shown at once.
const SHOWN: usize = 20;

/// Lets somebody choose from a numbered list, which words narrow down; returns positions in it.
///
/// # Errors
/// `usage` where they give up, or where there is nothing to choose from.
pub(super) fn pick(
    dialog: &Dialog,
    name: &str,
    choices: &[Choice],
    usual: Option<usize>,
    several: bool,
) -> Result<Vec<usize>, Error> {
    if choices.is_empty() {
        return Err(Error::usage(format!("the hoster lists nothing for {name}")));
    }
    let mut words: Vec<String> = Vec::new();
    loop {
        let fitting: Vec<usize> =
            (0..choices.len()).filter(|number| has(&choices[*number], &words)).collect();
        if fitting.is_empty() {
            dialog.say(&format!("nothing has `{}` in it", words.join(" ")));
            words.clear();
            continue;
        }
        dialog.say(&list(name, choices, &fitting));
        let how = if several { "numbers" } else { "number" };
        let enter = usual.map_or_else(String::new, |number| {
            format!("; Enter: {}", worth(&choices[number].value))
        });
        let line = line(&format!("{name} ({how}, or words to search for{enter}): "))?;
        let answers: Vec<&str> = line.split([',', ' ']).filter(|word| !word.is_empty()).collect();
        let numbers: Option<Vec<usize>> =
            answers.iter().map(|word| position(word, choices)).collect();
        match (numbers, usual) {
            (Some(numbers), Some(usual)) if numbers.is_empty() => return Ok(vec![usual]),
            (Some(numbers), _) if numbers.len() == 1 || (several && numbers.len() > 1) => {
                return Ok(numbers);
            }
            _ => words = answers.iter().map(|word| word.to_lowercase()).collect(),
        }
    }
}

/// Returns which choice a word stands for: by its number in the list, or by its value.
fn position(word: &str, choices: &[Choice]) -> Option<usize> {
    let number = word.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let by_value = || choices.iter().position(|choice| worth(&choice.value) == word);
    number.filter(|number| *number < choices.len()).or_else(by_value)
}

fn has(choice: &Choice, words: &[String]) -> bool {
    let text = format!("{} {}", worth(&choice.value), choice.label).to_lowercase();
    words.iter().all(|word| text.contains(word))
}

fn list(name: &str, choices: &[Choice], fitting: &[usize]) -> String {
    let priced = choices.iter().any(|choice| choice.price.is_some());
    let heading = name.to_uppercase();
    let mut headings = vec!["", heading.as_str(), "PRICE", "MEANING"];
    if !priced {
        headings.remove(2);
    }
    let rows = fitting.iter().take(SHOWN).map(|number| {
        let choice = &choices[*number];
        let price = priced.then(|| choice.price.as_ref().map(price).unwrap_or_default());
        let begin = [(number + 1).to_string(), worth(&choice.value)];
        begin.into_iter().chain(price).chain([choice.label.clone()]).collect()
    });
    let table = table::render(&headings, rows);
    match fitting.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{table}… and {more} more: search for words of theirs"),
        _ => table,
    }
}
