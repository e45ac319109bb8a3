//! Packets that no socket sends of itself: a TCP segment of no connection, and a ping.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

/// Sends an ACK of a connection that conntrack does not know.
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

/// Sends one packet with the given header: `PROTO,SPT,DPT,FLAGS,TTL,TOS,PAYLOAD`; for ICMP an echo request with SPT as
/// its id.
pub(crate) fn crafted(from: Ipv4Addr, to: Ipv4Addr, spec: &str) -> io::Result<()> {
    let numbers: Vec<u16> = spec.split(',').map(|part| part.parse().unwrap()).collect();
    let [protocol, spt, dpt, flags, ttl, tos, payload] = numbers[..] else {
        return Err(io::Error::other("seven numbers are needed"));
    };
    let body = vec![b'x'; usize::from(payload)];
    let mut segment = Vec::new();
    let at = match protocol {
        6 => {
            segment.extend([spt.to_be_bytes(), dpt.to_be_bytes()].concat());
            segment.extend([
                0,
                0,
                0,
                1,
                0,
                0,
                0,
                1,
                5 << 4,
                flags as u8,
                0,
                1,
                0,
                0,
                0,
                0,
            ]);
            16
        }
        17 => {
            segment.extend(
                [
                    spt.to_be_bytes(),
                    dpt.to_be_bytes(),
                    (8 + payload).to_be_bytes(),
                    [0, 0],
                ]
                .concat(),
            );
            6
        }
        _ => {
            segment.extend([8, 0, 0, 0]);
            segment.extend([spt.to_be_bytes(), [0, 1]].concat());
            2
        }
    };
    segment.extend(&body);
    let length = segment.len() as u16;
    let mut summed = Vec::new();
    if protocol != 1 {
        summed.extend([from.octets(), to.octets()].concat());
        summed.extend([0, protocol as u8]);
        summed.extend(length.to_be_bytes());
    }
    summed.extend(&segment);
    segment[at..at + 2].copy_from_slice(&checksum(&summed).to_be_bytes());
    let socket = raw(Protocol::from(i32::from(protocol)))?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.set_ttl_v4(u32::from(ttl))?;
    socket.set_tos_v4(u32::from(tos))?;
    socket
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

/// Returns the Internet checksum (RFC 1071) of an even number of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes
        .chunks_exact(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded + (folded >> 16)) as u16)
}
