//! The command line as shells complete it.

use clap::{Arg, Command, CommandFactory, ValueEnum};
use clap_complete::generate;
use clap_complete::shells::{Bash, Fish, Zsh};

use super::Cli;

/// A shell that completes command lines.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Shell {
    /// For `source`, or a file in bash-completion's folder
    Bash,
    /// For a file `_NAME` in a folder of `fpath`
    Zsh,
    /// For a file in fish's folder of completions
    Fish,
}

/// Returns the script that lets `shell` complete the command `name`.
pub(crate) fn completions(shell: Shell, name: &str) -> String {
    let mut command = whole();
    let mut script = Vec::new();
    match shell {
        Shell::Bash => generate(Bash, &mut command, name, &mut script),
        Shell::Zsh => generate(Zsh, &mut command, name, &mut script),
        Shell::Fish => generate(Fish, &mut command, name, &mut script),
    }
    String::from_utf8_lossy(&script).into_owned()
}

/// Returns the commands of both doors.
pub(super) fn whole() -> Command {
    let help = Command::new("help").about("What the provider can do");
    let configs = Command::new("configs").about("What can be ordered");
    let order = Command::new("order")
        .about("Order it; the same key never orders twice")
        .arg(Arg::new("configuration").value_name("CONFIG_ID").required(true))
        .arg(Arg::new("key").long("key").value_name("KEY").help("The caller's name for the order"));
    let order_status = Command::new("order_status")
        .about("How the order is doing")
        .arg(Arg::new("task_id").value_name("TASK_ID").required(true));
    Cli::command().subcommands([help, configs, order, order_status].map(panels))
}

/// The panel's words take no `--help`.
fn panels(command: Command) -> Command {
    command.disable_help_flag(true).disable_version_flag(true)
}

#[cfg(test)]
mod tests {
    use super::super::PROTOCOL;
    use super::*;

    #[test]
    fn the_panels_words_are_told_of_as_in_the_help() {
        whole().debug_assert();
        let told: Vec<Command> = whole().get_subcommands().cloned().collect();
        for word in ["help", "configs", "order", "order_status"] {
            let command = told.iter().find(|command| command.get_name() == word).unwrap();
            let about = command.get_about().unwrap().to_string();
            let line = PROTOCOL.lines().find(|line| line.trim().split(' ').next() == Some(word));
            assert!(line.unwrap().ends_with(&about), "{word}: {about}");
        }
    }
}
