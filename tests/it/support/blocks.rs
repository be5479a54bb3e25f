//! The fenced blocks of a page, with what the comments before them say of them.
//!
//! | mark | what it says of the block |
//! |---|---|
//! | `<!-- run -->` | its commands are run, and end with 0 |
//! | `<!-- run: status N -->` | they are run, and end with `N` |
//! | `<!-- output -->` | it is what the commands before it print; `…` stands for anything |
//! | `<!-- not run: WHY -->` | its commands are not run by a test, for a reason |
//! | `<!-- run instead: COMMAND -->` | what a test does in their place |
//! | `<!-- file: PATH -->` | it is a file, of the provider's folder where the path is relative |

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// The number of its first fence's line.
    pub(crate) line: usize,
    /// What stands behind its first fence.
    pub(crate) language: String,
    /// The comments in the lines before it, first to last, without what makes them comments.
    pub(crate) marks: Vec<String>,
    pub(crate) text: String,
}

impl Block {
    /// Returns what a mark says: empty where it says nothing but itself.
    pub(crate) fn mark(&self, name: &str) -> Option<&str> {
        self.marks.iter().find_map(|mark| {
            let rest = mark.strip_prefix(name)?;
            if rest.is_empty() { Some(rest) } else { rest.strip_prefix(": ") }
        })
    }

    /// Returns its commands: those on several lines in one, without comments.
    pub(crate) fn commands(&self) -> Vec<String> {
        let joined = self.text.replace("\\\n", " ");
        let lines = joined.lines().map(|line| {
            let end = if line.starts_with('#') { 0 } else { line.find(" #").unwrap_or(line.len()) };
            line[..end].trim().to_owned()
        });
        lines.filter(|line| !line.is_empty()).collect()
    }
}

/// Returns a page's blocks, first to last.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let (mut blocks, mut marks) = (Vec::new(), Vec::new());
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim();
        if let Some(language) = line.strip_prefix("```") {
            let lines = lines.by_ref().map(|(_, line)| line);
            let text: Vec<&str> =
                lines.take_while(|line| !line.trim().starts_with("```")).collect();
            blocks.push(Block {
                line: number + 1,
                language: language.to_owned(),
                marks: std::mem::take(&mut marks),
                text: text.join("\n") + "\n",
            });
        } else if let Some(mark) =
            line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"))
        {
            marks.push(mark.to_owned());
        } else {
            marks.clear();
        }
    }
    blocks
}

/// Returns whether a text is as a page shows it: there `…` in a line stands for any text, and a line
/// of nothing else for any lines.
pub(crate) fn is_as_shown(text: &str, shown: &str) -> bool {
    let text: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    let shown: Vec<&str> = shown.trim_end().lines().map(str::trim_end).collect();
    lines_match(&text, &shown)
}

fn lines_match(text: &[&str], shown: &[&str]) -> bool {
    match (text, shown) {
        (text, ["…", rest @ ..]) => {
            (0..=text.len()).any(|taken| lines_match(&text[taken..], rest))
        }
        ([line, text @ ..], [first, shown @ ..]) => {
            line_matches(line, first) && lines_match(text, shown)
        }
        (text, shown) => text.is_empty() && shown.is_empty(),
    }
}

fn line_matches(mut line: &str, shown: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    line = rest;
    let mut last = None;
    for part in parts {
        if let Some(part) = last {
            let Some((_, rest)) = line.split_once(part) else { return false };
            line = rest;
        }
        last = Some(part);
    }
    last.map_or(line.is_empty(), |part| line.ends_with(part))
}

#[test]
fn a_block_is_found_with_all_its_marks_and_commands() {
    let page = "\
<!-- not this one -->

<!-- file: etc/cloud.conf -->
<!-- run: status 3 -->
```sh
bin/cloud order 1 \\
    --key a  # a comment
# another
```
";
    let [block] = &blocks(page)[..] else { panic!("{:?}", blocks(page)) };
    assert_eq!((block.line, &*block.language), (5, "sh"));
    assert_eq!(block.mark("file"), Some("etc/cloud.conf"));
    assert_eq!(block.mark("run"), Some("status 3"));
    assert_eq!(block.mark("output"), None);
    assert_eq!(block.commands(), ["bin/cloud order 1      --key a"]);
}

#[test]
fn what_is_shown_may_leave_something_out() {
    for (shown, is_so) in [
        ("one 1\ntwo 2\n", true),
        ("one …\ntwo 2", true),
        ("…\ntwo 2", true),
        ("one 1\n…", true),
        ("…1\nt…o …", true),
        ("one 1", false),
        ("one …\n", false),
        ("one …2\n…", false),
        ("two 2", false),
    ] {
        assert_eq!(is_as_shown("one 1\ntwo 2  \n", shown), is_so, "{shown}");
    }
}
