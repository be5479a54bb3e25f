//! The manual page, made from the commands: `UPDATE=1 cargo test --lib manual` writes it.
//!
//! Only what `--help` does not know is written by hand here.

use std::path::Path;

use clap::builder::{PossibleValue, StyledStr};
use clap::{Arg, ArgAction, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::completions::whole;

/// Where the page lies.
const PAGE: &str = "docs/man/webdir-provider.1";

const DESCRIPTION: [&str; 4] = [
    "A provider sells servers to the pool of a 1C-Bitrix web environment, from an inventory of \
     servers that exist or by the API of a hoster. One order buys at most one server, whatever \
     crashes.",
    "The panel asks with the words help, configs, order and order_status, and gets one JSON object \
     for each. All other commands are for people and scripts: they print tables, or JSON where \
     --json is given, and errors on standard error.",
    "A provider is a folder, .../providers/NAME, with a copy of this program in it as bin/NAME. That \
     copy knows where it is. The program under any other name or in any other place is told which \
     provider is meant by --home, which comes before the command.",
    "install.sh makes a provider out of the installed program, and upgrades and removes it; \
     upgrading the package changes no provider.",
];

const EXIT_STATUS: [(&str, &str); 9] = [
    ("0", "Done."),
    ("1", "Faults were found, orders are not finished, or a test was not delivered."),
    ("2", "The call is malformed."),
    ("3", "Refused: nothing left to sell, a limit is reached, no such order."),
    ("4", "The configuration or the definition is invalid."),
    ("5", "The hoster refused."),
    ("6", "The hoster was not reached."),
    (
        "7",
        "The state is busy, unreadable, newer than the program, or not ours; or the disk is full.",
    ),
    ("70 or 124", "A fault in the program; the time is up."),
];

const FILES: [(&str, &str); 10] = [
    ("/opt/webdir/providers/NAME/bin/NAME", "The provider's own copy of the program."),
    (
        "/opt/webdir/providers/NAME/etc/NAME.conf",
        "What is sold, from where, and within which limits.",
    ),
    ("/opt/webdir/providers/NAME/etc/inventory.json", "The servers of the definition inventory."),
    ("/opt/webdir/providers/NAME/etc/webhooks.json", "Who is told of what happens to orders."),
    (
        "/opt/webdir/providers/NAME/state/",
        "Orders, claims, deliveries. Keep it: it is the memory of what was bought.",
    ),
    ("/opt/webdir/providers/NAME/tasks/", "The panel's own records; read, never written."),
    ("/usr/share/webdir-provider/install.sh", "Makes a provider, upgrades it, removes it."),
    (
        "/usr/share/webdir-provider/providers/",
        "The definitions that are built in, as files to start from.",
    ),
    ("/usr/share/webdir-provider/schemas/", "JSON Schemas of answers and files."),
    (
        "/usr/share/doc/webdir-provider/",
        "The guide: docs/configuration.md, docs/hosters.md and more.",
    ),
];

const EXAMPLES: [(&str, &str); 6] = [
    (
        "Make a provider, and look for what is missing:",
        "/usr/share/webdir-provider/install.sh --name mine\n/opt/webdir/providers/mine/bin/mine check",
    ),
    (
        "Let it ask which servers of a hoster are to be sold, and stop selling them again:",
        "/opt/webdir/providers/mine/bin/mine config init hetzner\n\
         /opt/webdir/providers/mine/bin/mine config set limits.open_orders 0",
    ),
    (
        "See what an order would send to the hoster; nothing is sent:",
        "/opt/webdir/providers/mine/bin/mine orders preview 1",
    ),
    (
        "The same with the program of the package:",
        "webdir-provider --home /opt/webdir/providers/mine orders preview 1",
    ),
    (
        "Upgrade the provider after the package was upgraded:",
        "/usr/share/webdir-provider/install.sh --name mine",
    ),
    (
        "Let bash complete the provider's command line in this session:",
        "source <(/opt/webdir/providers/mine/bin/mine completions bash)",
    ),
];

/// Returns the page.
fn page() -> String {
    let mut command = whole().name("webdir-provider");
    command.build();
    let mut bytes = Vec::new();
    let man = Man::new(command.clone()).title("WEBDIR-PROVIDER").manual("Web environment");
    man.render_title(&mut bytes).unwrap();
    man.render_name_section(&mut bytes).unwrap();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([
        bold("webdir-provider"),
        roman(" ["),
        bold("--home"),
        roman(" "),
        italic("DIR"),
        roman("] "),
        italic("COMMAND"),
    ]);
    roff.control("br", []);
    roff.text([bold(".../NAME/bin/NAME"), roman(" "), italic("COMMAND")]);
    roff.control("SH", ["DESCRIPTION"]);
    for text in DESCRIPTION {
        roff.control("PP", []);
        roff.text([roman(text)]);
    }
    roff.control("SH", ["OPTIONS"]);
    options(&mut roff, &command);
    roff.control("SH", ["COMMANDS"]);
    commands(&mut roff, &command, "");
    by_hand(&mut roff);
    roff.to_writer(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Tells of each command below `parent`, those with further commands by these.
fn commands(roff: &mut Roff, parent: &Command, before: &str) {
    for command in parent.get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = format!("{before}{}", command.get_name());
        if command.has_subcommands() {
            commands(roff, command, &format!("{name} "));
            continue;
        }
        let mut heading = vec![name];
        heading.extend(command.get_positionals().map(positional));
        roff.control("SS", [heading.join(" ").as_str()]);
        roff.text([roman(sentence(command.get_about()))]);
        options(roff, command);
        if let Some(more) = command.get_after_help() {
            roff.control("PP", []);
            roff.text([roman(more.to_string())]);
        }
    }
}

/// Returns an argument without a flag as a call shows it.
fn positional(argument: &Arg) -> String {
    let name = value(argument);
    let name = if argument.is_required_set() { name } else { format!("[{name}]") };
    let many = matches!(argument.get_action(), ArgAction::Append);
    if many { name + "..." } else { name }
}

fn value(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    names.first().map_or_else(|| argument.get_id().as_str().to_uppercase(), ToString::to_string)
}

/// Tells of a command's arguments, but for `--help`, which each has.
fn options(roff: &mut Roff, command: &Command) {
    for argument in command.get_arguments() {
        let known = argument.get_id() == "help" && !command.has_subcommands();
        if argument.is_hide_set() || known {
            continue;
        }
        roff.control("TP", []);
        roff.text(heading(argument));
        let mut text = sentence(argument.get_help());
        let values = argument.get_possible_values();
        let words: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
        if argument.get_action().takes_values() && !words.is_empty() {
            text = format!("{text} One of: {}.", words.join(", "));
        }
        roff.text([roman(text)]);
    }
}

fn heading(argument: &Arg) -> Vec<Inline> {
    let mut heading = Vec::new();
    if let Some(short) = argument.get_short() {
        heading.extend([bold(format!("-{short}")), roman(", ")]);
    }
    match argument.get_long() {
        None => heading.push(italic(value(argument))),
        Some(long) => {
            heading.push(bold(format!("--{long}")));
            if argument.get_action().takes_values() {
                heading.extend([roman(" "), italic(value(argument))]);
            }
        }
    }
    heading
}

/// Returns a help text as a sentence.
fn sentence(text: Option<&StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    if text.is_empty() || text.ends_with(['.', '?']) { text } else { text + "." }
}

fn by_hand(roff: &mut Roff) {
    for (title, rows) in [("EXIT STATUS", &EXIT_STATUS[..]), ("FILES", &FILES[..])] {
        roff.control("SH", [title]);
        for (name, text) in rows {
            roff.control("TP", []);
            roff.text([bold(*name)]);
            roff.text([roman(*text)]);
        }
    }
    roff.control("SH", ["EXAMPLES"]);
    for (text, lines) in EXAMPLES {
        roff.control("PP", []);
        roff.text([roman(text)]);
        roff.control("PP", []);
        roff.control("nf", []);
        roff.control("RS", []);
        for line in lines.lines() {
            roff.text([roman(line)]);
        }
        roff.control("RE", []);
        roff.control("fi", []);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "writes a page of the repository, not a file of ours"
)]
#[test]
fn the_manual_is_that_of_the_commands() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let wanted = page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{PAGE}: run `UPDATE=1 cargo test --lib manual`");
}
