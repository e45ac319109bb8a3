//! Live runs: what is said while a log goes on, when, and that it agrees with the report at the end.

mod pipes;
mod replay;
mod rotation;
mod saturation;
mod upgrade;
