//! Live runs: the events while a log goes on, their times, and their agreement with the report at the end.

mod pipes;
mod replay;
mod rotation;
mod saturation;
mod several;
mod upgrade;
