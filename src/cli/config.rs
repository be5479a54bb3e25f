//! The commands for the configuration file.

use clap::{Args, Subcommand};

use super::Output;

/// What to do with the configuration file.
#[derive(Debug, Subcommand)]
pub(crate) enum Configure {
    /// Print what holds, defaults filled in, secrets hidden
    Show(Output),
    /// Change one value; everything else in the file stays as it is
    Set(SetValue),
}

/// What a key is, for `--help`.
const KEYS: &str = "\
A key is written with dots: limits.open_orders, configurations.1.parameters.image (1 is the id),
ready.command.0 (0 is the first). A value is JSON where it can be read as such, otherwise a text:
20, true, null, '[\"a\"]', '{\"file\": \"hetzner.token\"}', alma-9; '\"20\"' is a text.";

/// Options of `config set`.
#[derive(Debug, Args)]
#[command(after_help = KEYS)]
pub(crate) struct SetValue {
    /// Which value
    pub(crate) key: String,
    /// What it is to be
    #[arg(required_unless_present_any = ["file", "unset"], allow_hyphen_values = true)]
    pub(crate) value: Option<String>,
    /// Read the value from a file, `-` for standard input; secrets are given only so
    #[arg(long, value_name = "FILE", conflicts_with = "value")]
    pub(crate) file: Option<String>,
    /// Take it out of the file, so that the default holds
    #[arg(long, conflicts_with_all = ["value", "file"])]
    pub(crate) unset: bool,
}
