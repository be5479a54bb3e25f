//! The commands for the configuration file.

use clap::{Args, Subcommand};

use super::{Output, one_of, pair};
use crate::order::Access;

/// What to do with the configuration file.
#[derive(Debug, Subcommand)]
pub(crate) enum Configure {
    /// Write the file: for a hoster, with what is chosen from its catalogue. Asks on a terminal
    Init(Box<Init>),
    /// Print what holds, defaults filled in, secrets hidden
    Show(Output),
    /// Change one value; everything else in the file stays as it is
    Set(SetValue),
}

/// What is said of secrets, for `--help`.
const SECRETS: &str = "\
On a terminal, what no flag says is asked for. Credentials are put into etc/DEFINITION.NAME, which
only the owner can read; one that is there already is kept. What is chosen can be changed afterwards
with `config set`, and nothing is bought.";

/// Options of `config init`.
#[derive(Debug, Args)]
#[command(after_help = SECRETS)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Init {
    /// A built-in definition, as `inventory` or `hetzner`; or a file of one, relative to etc/ and with
    /// a `/` in it
    pub(crate) definition: String,
    /// Where the hoster's API is, for software of which each installation has its own address
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// The file that holds a credential, `-` for standard input; may be given several times
    #[arg(long, value_name = "NAME=FILE", value_parser = pair)]
    pub(crate) credential: Vec<(String, String)>,
    /// A plan to sell, as `catalog` lists them; may be given several times
    #[arg(long, value_name = "VALUE")]
    pub(crate) plan: Vec<String>,
    /// The id of a plan's configuration, in the order of the plans; may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) id: Vec<String>,
    /// What the panel shows of a plan, in the order of the plans; may be given several times
    #[arg(long, value_name = "TEXT")]
    pub(crate) descr: Vec<String>,
    /// Another parameter of every configuration, null for none; may be given several times
    #[arg(long, value_name = "PARAM=VALUE", value_parser = pair)]
    pub(crate) set: Vec<(String, String)>,
    /// How the pool gets into a server. Default: password, where the hoster has a way to one
    #[arg(long, value_parser = one_of([("password", Access::Password), ("key", Access::Key)]))]
    pub(crate) access: Option<Access>,
    /// How many orders may be open at once. Default: 5
    #[arg(long, value_name = "N")]
    pub(crate) open_orders: Option<u64>,
    /// How many orders may be accepted in one day. Default: 20
    #[arg(long, value_name = "N")]
    pub(crate) orders_per_day: Option<u64>,
    /// Do not ask the hoster: the parameters of the definition's example hold
    #[arg(long)]
    pub(crate) offline: bool,
    /// inventory: write a first etc/inventory.json to fill in, where there are no servers yet
    #[arg(long)]
    pub(crate) example: bool,
    /// Replace a file in which something can be ordered; the old one is kept as NAME.conf.bak
    #[arg(long)]
    pub(crate) force: bool,
    /// Ask nothing: what no flag says is as proposed
    #[arg(long)]
    pub(crate) yes: bool,
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
