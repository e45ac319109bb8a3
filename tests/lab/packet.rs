//! Packets that no socket sends of itself: a TCP segment of no connection, and a ping.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

/// Sends an ACK of a connection that nobody knows.
pub(crate) fn stray_ack(from: Ipv4Addr, spt: u16, to: Ipv4Addr, dpt: u16) -> io::Result<()> {
    const ACK: u8 = 0x10;
    let mut segment = Vec::with_capacity(20);
    segment.extend(spt.to_be_bytes());
    segment.extend(dpt.to_be_bytes());
    segment.extend([0, 0, 0, 1, 0, 0, 0, 1]);
    segment.extend([5 << 4, ACK, 1, 0, 0, 0, 0, 0]);
    // The sum goes over a pseudo-header too (RFC 9293, 3.1).
    let mut summed = [from.octets(), to.octets()].concat();
    summed.extend([0, 6, 0, 20]);
    summed.extend(&segment);
    segment[16..18].copy_from_slice(&checksum(&summed).to_be_bytes());
    raw(Protocol::TCP)?
        .send_to(&segment, &SocketAddr::from((to, 0)).into())
        .map(drop)
}

/// Pings once; fails where no answer comes.
pub(crate) fn ping(from: Ipv4Addr, to: Ipv4Addr) -> io::Result<()> {
    const ID: [u8; 2] = [0x0d, 0x5f];
    let mut message = vec![8, 0, 0, 0, ID[0], ID[1], 0, 1];
    message.extend([b'p'; 56]);
    let sum = checksum(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    let socket = raw(Protocol::ICMPV4)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    socket.send_to(&message, &SocketAddr::from((to, 0)).into())?;
    let mut answer = [0; 200];
    // Behind 20 bytes of IP header: type 0 is an echo reply.
    loop {
        let n = io::Read::read(&mut &socket, &mut answer)?;
        if n >= 26 && answer[20] == 0 && answer[24..26] == ID {
            return Ok(());
        }
    }
}

fn raw(protocol: Protocol) -> io::Result<Socket> {
    Socket::new(Domain::IPV4, Type::RAW, Some(protocol))
}

/// The Internet checksum (RFC 1071) of an even number of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes
        .chunks_exact(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded + (folded >> 16)) as u16)
}
