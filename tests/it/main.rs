//! The one binary of tests that see the program as a whole. Each module is a feature; `tidy` looks
//! at the sources themselves.

mod sim;
mod tidy;
