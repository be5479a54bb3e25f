//! Webhooks: who is told of an event, how a delivery is made of it, sent and judged.
//!
//! One pipeline for every kind: event → selection → message → attempt → record. The kinds differ in
//! the message that they make and in what they take for success, and in nothing else. Everything
//! here is pure, the clock passed in, but for `load`, which reads files, and `send`, which uses the
//! network. What is stored is the business of `store`, what happens when that of `worker`.

pub(crate) mod address;
pub(crate) mod file;
pub(crate) mod kinds;
pub(crate) mod load;
pub(crate) mod mask;
pub(crate) mod message;
pub(crate) mod schedule;
pub(crate) mod select;
pub(crate) mod send;
pub(crate) mod sign;
#[cfg(test)]
mod tests;
pub(crate) mod variables;
