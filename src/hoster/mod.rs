//! What sells servers.

pub(crate) mod inventory;
