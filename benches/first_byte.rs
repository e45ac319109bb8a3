//! How long a program takes from its start to the first byte of its output: `first_byte TIMES COMMAND...` prints the least of
//! so many runs, in milliseconds.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a program of its own, and this is its output"
)]

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn first_byte(program: &str, args: &[String]) -> io::Result<Duration> {
    let begin = Instant::now();
    let mut child = Command::new(program)
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut out = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    out.read_exact(&mut [0])?;
    let taken = begin.elapsed();
    io::copy(&mut out, &mut io::sink())?;
    child.wait()?;
    Ok(taken)
}

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(Ok(times)), Some(program)) = (args.next().map(|n| n.parse::<u32>()), args.next())
    else {
        eprintln!("usage: first_byte TIMES COMMAND...");
        return Ok(());
    };
    let args: Vec<String> = args.collect();
    let mut least = Duration::MAX;
    for _ in 0..times {
        least = least.min(first_byte(&program, &args)?);
    }
    println!("{:.2}", least.as_secs_f64() * 1e3);
    Ok(())
}
