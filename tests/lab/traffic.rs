//! Traffic of the nodes: this test program, started again inside a namespace.
//!
//! A traffic program reads commands from its stdin, a word a line, prints events to its stdout, and ends when its stdin
//! does: with the lab.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::net;
use socket2::{Domain, Socket, Type};

use crate::machine::poll;
use crate::packet;

/// Environment variable that selects the traffic program.
const VARIABLE: &str = "DROPSIFT_LAB_TRAFFIC";
/// Shorter than the first repetition of a SYN, which comes after 1 s.
const ONE_SYN: Duration = Duration::from_millis(400);
/// Time for two repetitions.
const CONNECT: Duration = Duration::from_millis(2500);

/// An answer comes at once, or not.
const ANSWER: Duration = Duration::from_millis(250);
/// Upper bound on the life of a program that sends without end.
const LONGEST: Duration = Duration::from_secs(120);

/// A program of traffic that runs.
pub(crate) struct Traffic {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    words: String,
}

impl Traffic {
    pub(crate) fn start(namespace: &str, words: &[&str]) -> Self {
        let words = words.join(" ");
        let mut child = Command::new("ip")
            .args(["netns", "exec", namespace])
            .arg(env::current_exe().unwrap())
            .env(VARIABLE, &words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        thread::spawn(move || {
            stdout
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| send.send(line))
        });
        Self {
            child,
            stdin,
            lines,
            words,
        }
    }

    /// Waits until it tells `line`.
    pub(crate) fn tells(&self, line: &str) {
        let limit = Duration::from_secs(20);
        poll(&format!("`{line}` from `{}`", self.words), limit, || {
            self.lines.try_iter().any(|told| told == line).then_some(())
        });
    }

    /// Sends it a command.
    pub(crate) fn say(&mut self, word: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{word}").unwrap();
    }

    /// Waits for its end; whether that was a good one.
    pub(crate) fn succeeds(mut self) -> bool {
        let limit = Duration::from_secs(20);
        let what = format!("the end of `{}`", self.words);
        poll(&what, limit, || self.child.try_wait().unwrap()).success()
    }

    /// Kills the process and waits for its end.
    pub(crate) fn dies(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs this process as a traffic program if the environment says so; `None` otherwise.
pub(crate) fn main() -> Option<ExitCode> {
    let words = env::var(VARIABLE).ok()?;
    let words: Vec<&str> = words.split(' ').collect();
    Some(match perform(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tell(&format!("{words:?}: {why}"));
            ExitCode::FAILURE
        }
    })
}

fn perform(words: &[&str]) -> io::Result<()> {
    match *words {
        ["serve", port] => serve(number(port)),
        ["hold", address, port, greeting] => hold(TcpStream::connect(to(address, port))?, greeting),
        ["hold-from", from, address, port] => {
            hold(connect_from(parsed(from), to(address, port))?, "-")
        }
        ["connect", address, port] => {
            TcpStream::connect_timeout(&to(address, port), CONNECT).map(drop)
        }
        ["knock", address, port] => {
            drop(TcpStream::connect_timeout(&to(address, port), ONE_SYN));
            Ok(())
        }
        ["syns", address, port, every] => {
            for _ in 0..LONGEST.as_millis() / parsed::<u128>(every) {
                drop(TcpStream::connect_timeout(&to(address, port), ONE_SYN));
                tell("sent");
                thread::sleep(Duration::from_millis(parsed(every)) - ONE_SYN);
            }
            Ok(())
        }
        ["udp", from, address, port] => {
            let socket = UdpSocket::bind(("0.0.0.0", number(from)))?;
            socket.send_to(&[b'v'; 50], to(address, port)).map(drop)
        }
        ["join", group] => {
            let socket = UdpSocket::bind(("0.0.0.0", 5353))?;
            socket.join_multicast_v4(&parsed::<Ipv4Addr>(group), &Ipv4Addr::UNSPECIFIED)?;
            tell("joined");
            commands(|_| Ok(()))
        }
        ["asks", from, proto, address, port] => asks(from, proto, to(address, port)),
        ["ping", from, address] => packet::ping(parsed(from), parsed(address)),
        ["volley", from, address, specs] => {
            for spec in specs.split(';') {
                packet::crafted(parsed(from), parsed(address), spec)?;
            }
            Ok(())
        }
        ["acks", from, spt, address, dpt, every] => {
            for _ in 0..LONGEST.as_millis() / parsed::<u128>(every) {
                packet::stray_ack(parsed(from), number(spt), parsed(address), number(dpt))?;
                thread::sleep(Duration::from_millis(parsed(every)));
            }
            Ok(())
        }
        _ => Err(io::Error::other("no such traffic")),
    }
}

/// Sends one packet from an address; whether it is answered, be it by a refusal.
fn asks(from: &str, proto: &str, to: SocketAddr) -> io::Result<()> {
    let socket = match proto {
        "udp" => net::socket(family(to), net::SocketType::DGRAM, None)?,
        _ => net::socket(family(to), net::SocketType::STREAM, None)?,
    };
    net::bind(&socket, &SocketAddr::new(parsed(from), 0))?;
    let wait = Some(ANSWER);
    net::sockopt::set_socket_timeout(&socket, net::sockopt::Timeout::Send, wait)?;
    net::sockopt::set_socket_timeout(&socket, net::sockopt::Timeout::Recv, wait)?;
    let told = net::connect(&socket, &to).and_then(|()| {
        if proto == "udp" {
            net::send(&socket, b"?", net::SendFlags::empty())?;
            let mut answer = [0; 9];
            net::recv(&socket, &mut answer[..], net::RecvFlags::empty())?;
        }
        Ok(())
    });
    match told {
        Err(rustix::io::Errno::CONNREFUSED) => Ok(()),
        told => Ok(told?),
    }
}

fn family(address: SocketAddr) -> net::AddressFamily {
    match address {
        SocketAddr::V4(_) => net::AddressFamily::INET,
        SocketAddr::V6(_) => net::AddressFamily::INET6,
    }
}

/// Accepts connections and never reads them; `push` sends on all, `close` ends all in good order.
fn serve(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind(("::", port))?;
    let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    let accepted = Arc::clone(&open);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            accepted.lock().unwrap().push(stream);
            tell("accepted");
        }
    });
    tell("listening");
    commands(|word| {
        let mut open = open.lock().unwrap();
        match word {
            "push" => open
                .iter_mut()
                .try_for_each(|stream| stream.write_all(&[b'x'; 100])),
            _ => open
                .drain(..)
                .try_for_each(|stream| stream.shutdown(Shutdown::Write)),
        }
    })
}

/// Opens a connection from an address and port. Its end is a reset, sent once: nothing of it is sent again later.
fn connect_from(from: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    socket.set_linger(Some(Duration::ZERO))?;
    socket.bind(&from.into())?;
    socket.connect(&to.into())?;
    Ok(socket.into())
}

/// Sends a greeting on a connection, and prints incoming data; the command `send` sends on it.
fn hold(mut stream: TcpStream, greeting: &str) -> io::Result<()> {
    if greeting != "-" {
        stream.write_all(greeting.as_bytes())?;
    }
    tell("connected");
    let mut incoming = stream.try_clone()?;
    thread::spawn(move || {
        let mut block = [0; 4096];
        while incoming.read(&mut block).is_ok_and(|n| n > 0) {
            tell("got");
        }
        tell("closed");
    });
    commands(|_| stream.write_all(b"hb"))
}

/// Runs `obey` on each line of stdin until it ends.
fn commands(mut obey: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
    io::stdin().lock().lines().try_for_each(|line| obey(&line?))
}

fn tell(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn to(address: &str, port: &str) -> SocketAddr {
    SocketAddr::new(parsed(address), number(port))
}

fn number(text: &str) -> u16 {
    parsed(text)
}

fn parsed<T: std::str::FromStr>(text: &str) -> T {
    text.parse()
        .unwrap_or_else(|_| panic!("`{text}` cannot be read"))
}
