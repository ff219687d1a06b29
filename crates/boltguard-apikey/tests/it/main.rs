//! Behaviour of API keys as their users see it.

mod command;
mod format;
mod set;
mod stored;
