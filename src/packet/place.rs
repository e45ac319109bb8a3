//! What the words of a usual line are made of: literals, short numbers and addresses, taken one after the other.

use std::net::{IpAddr, Ipv4Addr};

use crate::eights::leading;
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
            _ => self.long_digits(),
        }
    }

    /// The same where eight bytes do not tell.
    #[cold]
    fn long_digits(&mut self) -> Option<u32> {
        let digits = self.skip(|b| b.is_ascii_digit());
        let text = std::str::from_utf8(digits).ok()?;
        (digits.len() < 10).then(|| text.parse().ok())?
    }

    #[inline(always)]
    pub(super) fn word<const N: usize>(&mut self, key: &[u8; N]) -> Option<u16> {
        self.number(key)?.try_into().ok()
    }

    #[inline]
    pub(super) fn address(&mut self) -> Option<IpAddr> {
        let mut rest = self.rest;
        let mut octets = [0_u8; 4];
        for (place, octet) in octets.iter_mut().enumerate() {
            if place > 0 {
                let Some(behind) = rest.strip_prefix(b".") else {
                    return self.address_v6();
                };
                rest = behind;
            }
            *octet = match leading(rest) {
                Some((number @ ..256, length @ 1..4)) if rest[0] != b'0' || length == 1 => {
                    rest = &rest[length..];
                    number as u8
                }
                Some(_) => return self.address_v6(),
                None => return self.long_address(),
            };
        }
        self.rest = rest;
        Some(IpAddr::from(octets))
    }

    /// The same where the text may end behind it.
    #[cold]
    fn long_address(&mut self) -> Option<IpAddr> {
        let rest = self.rest;
        let text = self.skip(|b| b.is_ascii_digit() || b == b'.');
        let address: Option<Ipv4Addr> = std::str::from_utf8(text).ok()?.parse().ok();
        if let Some(address) = address {
            return Some(address.into());
        }
        self.rest = rest;
        self.address_v6()
    }

    fn address_v6(&mut self) -> Option<IpAddr> {
        let rest = self.rest;
        if let Some((full, rest)) = rest.split_first_chunk::<39>()
            && let Some(address) = full_v6(full)
            && rest.first() == Some(&b' ')
        {
            self.rest = rest;
            return Some(address);
        }
        let text = self.skip(|b| b.is_ascii_hexdigit() || b == b':');
        let address: IpAddr = std::str::from_utf8(text).ok()?.parse().ok()?;
        address.is_ipv6().then_some(address)
    }

    #[inline]
    pub(super) fn proto(&mut self) -> Option<u8> {
        for (name, number) in [(b"TCP", proto::TCP), (b"UDP", proto::UDP)] {
            if let [a, b, c, rest @ ..] = self.rest
                && [*a, *b, *c] == *name
                && rest.first() == Some(&b' ')
            {
                self.rest = rest;
                return Some(number);
            }
        }
        let name = self.skip(|b| b.is_ascii_alphanumeric());
        proto_number(std::str::from_utf8(name).ok()?)
    }
}

/// An address of IPv6 as the kernel's `%pI6` prints it: eight groups of four digits.
fn full_v6(text: &[u8; 39]) -> Option<IpAddr> {
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
    Some(IpAddr::from(groups))
}
