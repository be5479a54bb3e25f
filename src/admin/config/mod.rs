//! `config`: the configuration file, made, looked at and changed from the command line.

mod account;
mod ask;
mod choose;
mod draft;
mod faults;
mod init;
mod pick;
mod set;
mod show;
mod stock;

use crate::cli::Configure;
use crate::error::Error;
use crate::home::Home;
use crate::store::Edit;

/// What the lock and the folder for new files are called, in `etc/`.
const COPIES: &str = "config";

/// Runs one command; returns the exit status.
///
/// Called before anybody becomes the holder's owner: what flags name is read as whoever called.
pub(super) fn run(home: &Home, command: &Configure) -> Result<u8, Error> {
    home.require_holder()?;
    match command {
        Configure::Init(options) => init::run(home, options),
        Configure::Show(output) => show::run(home, output),
        Configure::Set(options) => set::run(home, options),
    }
}

/// Takes the right to change the configuration file and what is beside it.
///
/// # Errors
/// `state_busy` when somebody else keeps it.
fn edit(home: &Home) -> Result<Edit, Error> {
    Edit::of(&home.etc, COPIES, "config")
}

/// Returns the name of the configuration file, in `etc/`.
fn file_name(home: &Home) -> String {
    format!("{}.conf", home.name)
}
