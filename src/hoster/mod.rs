//! What sells servers.

pub(crate) mod account;
pub(crate) mod command;
pub(crate) mod http;
pub(crate) mod inventory;
