//! The documentation: every JSON example is valid by the schema that the line before it names.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::answer::errors;

/// A fenced block of JSON.
#[derive(Debug, PartialEq)]
struct Block {
    /// The number of its first fence's line.
    line: usize,
    /// What the line before it names.
    schema: Option<String>,
    text: String,
}

/// Returns a document's blocks of JSON.
fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut before = None;
    let mut lines = document.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let trimmed = line.trim();
        if let Some(language) = trimmed.strip_prefix("```") {
            let text: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| !line.trim().starts_with("```"))
                .collect();
            if language.trim() == "json" {
                let (line, text) = (number + 1, text.join("\n"));
                blocks.push(Block { line, schema: before.take(), text });
            }
        }
        before = trimmed
            .strip_prefix("<!-- schema: ")
            .and_then(|rest| rest.strip_suffix(" -->"))
            .map(ToOwned::to_owned);
    }
    blocks
}

/// Returns what is wrong with a block.
fn faults(block: &Block) -> Vec<String> {
    let Some(schema) = &block.schema else {
        return vec!["no `<!-- schema: NAME -->` in the line before it".to_owned()];
    };
    let value: Value = match serde_json::from_str(&block.text) {
        Ok(value) => value,
        Err(why) => return vec![why.to_string()],
    };
    if schema == "none" {
        return Vec::new();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{schema}.json"));
    if !path.exists() {
        return vec![format!("there is no schema `{schema}`")];
    }
    errors(schema, &value)
}

/// Returns the documents at the root that show files or answers, and every one below `docs/`.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found =
        ["README.md", "README.ru.md", "SECURITY.md"].map(|name| root.join(name)).to_vec();
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.retain(|path| path.exists());
    found
}

#[test]
fn every_json_example_is_valid_by_the_schema_that_it_names() {
    let documents = documents();
    assert!(!documents.is_empty());
    let mut all = Vec::new();
    for path in documents {
        for block in blocks(&std::fs::read_to_string(&path).unwrap()) {
            for fault in faults(&block) {
                all.push(format!("{}:{}: {fault}", path.display(), block.line));
            }
        }
    }
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn the_protocols_page_shows_its_answers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/protocol.md");
    let page = std::fs::read_to_string(path).unwrap();
    assert!(page.is_empty() || !blocks(&page).is_empty(), "no example in docs/protocol.md");
}

#[test]
fn only_blocks_of_json_are_examples_and_only_the_line_before_names_a_schema() {
    let document = "\
```sh
<!-- schema: order -->
```
```json
{}
```

<!-- schema: answer-order -->

```json
{}
```
  <!-- schema: answer-order -->
  ```json
  { \"task_id\":
    \"1\" }
  ```
";
    let schemas: Vec<(usize, Option<String>)> =
        blocks(document).into_iter().map(|block| (block.line, block.schema)).collect();
    assert_eq!(schemas, [(4, None), (10, None), (14, Some("answer-order".to_owned()))]);
}

#[test]
fn a_wrong_example_is_found() {
    let wrong = |schema: Option<&str>, text: &str| {
        let schema = schema.map(ToOwned::to_owned);
        !faults(&Block { line: 1, schema, text: text.to_owned() }).is_empty()
    };
    let good = r#"{ "task_id": "1" }"#;
    assert!(!wrong(Some("answer-order"), good));
    assert!(!wrong(Some("none"), r#"{ "anything": 1 }"#));
    assert!(wrong(None, good));
    assert!(wrong(Some("bogus"), good));
    assert!(wrong(Some("answer-order"), r#"{ "task_id": 1 }"#));
    assert!(wrong(Some("answer-order"), r#"{ "task_id": "#));
    assert!(wrong(Some("none"), "{ task_id }"));
}
