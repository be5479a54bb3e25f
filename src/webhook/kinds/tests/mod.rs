//! What is sent, what replies mean, and which mistakes are found.

mod messages;
mod mistakes;
mod page;
mod pipelines;
mod replies;
