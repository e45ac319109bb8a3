//! What the words of a usual line are made of: literals, short numbers and addresses, taken one after the other.

use std::net::{Ipv4Addr, Ipv6Addr};

use wide::u8x16;

use crate::eights::{leading, octet};
use crate::packet::{proto, proto_number};

/// `IFNAMSIZ - 1`.
const INTERFACE_MAX: usize = 15;

/// A place in text, in a line of it.
pub(super) struct Place<'t> {
    pub(super) rest: &'t [u8],
}

impl<'t> Place<'t> {
    /// What was taken since `begin` was the rest.
    pub(super) fn since(&self, begin: &'t [u8]) -> &'t [u8] {
        &begin[..begin.len() - self.rest.len()]
    }

    /// Goes to the end of the line, if nothing but a space is before it.
    #[inline]
    pub(super) fn line_end(&mut self) -> Option<()> {
        self.rest = match self.rest {
            [b' ', rest @ ..] => rest,
            rest => rest,
        };
        matches!(self.rest.first(), None | Some(b'\n')).then_some(())
    }

    /// Takes `literal`; its length is a constant, so that it is compared in place, without a call.
    #[inline]
    pub(super) fn literal<const N: usize>(&mut self, literal: &[u8; N]) -> Option<()> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        if head != literal {
            return None;
        }
        self.rest = rest;
        Some(())
    }

    /// Goes behind all bytes that `may` stand here.
    pub(super) fn skip(&mut self, may: impl Fn(u8) -> bool) -> &'t [u8] {
        let end = self.rest.iter().position(|b| !may(*b));
        let (skipped, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        skipped
    }

    /// Goes behind the name of an interface: how long it is.
    pub(super) fn name(&mut self) -> Option<usize> {
        let name =
            self.skip(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'@'));
        (name.len() <= INTERFACE_MAX).then_some(name.len())
    }

    /// Takes `key` and a number behind it, of at most nine digits.
    #[inline(always)]
    pub(super) fn number<const N: usize>(&mut self, key: &[u8; N]) -> Option<u32> {
        self.literal(key)?;
        self.digits()
    }

    /// Takes a number of at most nine digits.
    #[inline(always)]
    pub(super) fn digits(&mut self) -> Option<u32> {
        match leading(self.rest) {
            Some((number, length @ 1..8)) => {
                self.rest = &self.rest[length..];
                Some(number)
            }
            _ => self.step(long_digits(self.rest)),
        }
    }

    /// Takes what somebody else read, up to the rest that was left.
    #[inline(always)]
    pub(super) fn step<T>(&mut self, told: Option<(T, &'t [u8])>) -> Option<T> {
        let (told, rest) = told?;
        self.rest = rest;
        Some(told)
    }

    #[inline(always)]
    pub(super) fn word<const N: usize>(&mut self, key: &[u8; N]) -> Option<u16> {
        self.number(key)?.try_into().ok()
    }

    /// Takes an address of IPv4.
    #[inline(always)]
    pub(super) fn v4(&mut self) -> Option<Ipv4Addr> {
        let (address, length) = match self.rest.first_chunk() {
            Some(window) => v4(window)?,
            // What lies behind the text's end is part of no address.
            None => {
                let mut window = [0; 16];
                window[..self.rest.len()].copy_from_slice(self.rest);
                v4(&window)?
            }
        };
        self.rest = self.rest.get(length..)?;
        Some(address)
    }

    /// Takes an address of IPv6.
    pub(super) fn v6(&mut self) -> Option<Ipv6Addr> {
        if let Some((full, rest)) = self.rest.split_first_chunk::<39>()
            && let Some(address) = full_v6(full)
            && rest.first() == Some(&b' ')
        {
            self.rest = rest;
            return Some(address);
        }
        let text = self.skip(|b| b.is_ascii_hexdigit() || b == b':');
        std::str::from_utf8(text).ok()?.parse().ok()
    }
}

/// The address of IPv4 that a window begins with, and how long it is. Where its parts end is told by all bytes at once: whatever
/// is read next waits for the length alone.
#[inline(always)]
fn v4(window: &[u8; 16]) -> Option<(Ipv4Addr, usize)> {
    let text = u8x16::new(*window);
    let values = text - u8x16::splat(b'0');
    let others = values.max(u8x16::splat(10)).simd_eq(values).to_bitmask();
    let dots = text.simd_eq(u8x16::splat(b'.')).to_bitmask();
    let next = |others: u32| (others & others.wrapping_sub(1), others.trailing_zeros());
    let (rest, first) = next(others);
    let (rest, second) = next(rest);
    let (rest, third) = next(rest);
    let (_, end) = next(rest);
    // No more than three digits each, and all that is none before the end is a dot.
    if end > 15 || (others ^ dots) & ((1 << end) - 1) != 0 {
        return None;
    }
    let part = |from: u32, to: u32| {
        let four = window.get(from as usize..)?.first_chunk()?;
        octet(u32::from_le_bytes(*four), to.wrapping_sub(from))
    };
    let bits = part(0, first)? << 24
        | part(first + 1, second)? << 16
        | part(second + 1, third)? << 8
        | part(third + 1, end)?;
    Some((Ipv4Addr::from_bits(bits), end as usize))
}

/// A number of at most nine digits that `text` begins with, where eight bytes do not tell it, and the rest.
#[cold]
fn long_digits(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(digits);
    let number = std::str::from_utf8(digits).ok()?;
    Some(((digits.len() < 10).then(|| number.parse().ok())??, rest))
}

/// A protocol's name or number that `text` begins with, and the rest.
pub(super) fn protocol(text: &[u8]) -> Option<(u8, &[u8])> {
    let end = text.iter().position(|b| !b.is_ascii_alphanumeric());
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let number = match name {
        b"TCP" => proto::TCP,
        b"UDP" => proto::UDP,
        _ => proto_number(std::str::from_utf8(name).ok()?)?,
    };
    Some((number, rest))
}

/// An address of IPv6 as the kernel's `%pI6` prints it: eight groups of four digits.
fn full_v6(text: &[u8; 39]) -> Option<Ipv6Addr> {
    let mut groups = [0_u16; 8];
    for (place, group) in groups.iter_mut().enumerate() {
        let at = place * 5;
        for digit in &text[at..at + 4] {
            *group = *group << 4 | char::from(*digit).to_digit(16)? as u16;
        }
        if place < 7 && text[at + 4] != b':' {
            return None;
        }
    }
    Some(groups.into())
}
