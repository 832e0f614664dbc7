//! The one binary of tests that see the program as a whole. Each module is a feature; `tidy` looks
//! at the sources themselves.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says where it stands"
)]

mod drive;
mod net;
mod sim;
mod tidy;
