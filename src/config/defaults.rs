//! What holds where the configuration file says nothing: for those who act on it, and for
//! `config show`.

/// Seconds between two looks at the same order.
pub(crate) const POLL_SECONDS: f64 = 5.0;

/// How many orders are driven at once.
pub(crate) const THREADS: u16 = 8;

/// Seconds after which an order that was not finished fails.
pub(crate) const ORDER_TIMEOUT_SECONDS: f64 = 3600.0;

/// Seconds for which a server that its hoster calls ready may not show what `ready` asks for.
pub(crate) const READY_SECONDS: f64 = 900.0;

/// The port on which a server's SSH server introduces itself.
pub(crate) const SSH_PORT: u16 = 22;

/// How many deliveries are under way at once.
pub(crate) const DELIVERIES_AT_ONCE: u16 = 4;

/// How many deliveries that have arrived are kept for each webhook.
pub(crate) const DELIVERIES_KEPT: u32 = 100;
