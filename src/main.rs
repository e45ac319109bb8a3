//! `dropsift`: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    dropsift::cli::main()
}
