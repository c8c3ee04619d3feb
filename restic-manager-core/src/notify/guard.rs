//! Which addresses the server speaks to: public ones, and those that its operator named.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use ipnet::IpNet;

/// Networks that are nobody's on the Internet: private, local, for documentation, for tests, reserved.
const REFUSED_V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// The same for IPv6, outside of what is global at all.
const REFUSED_V6: &[([u16; 8], u32)] = &[
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// Whether an address is public: what the server speaks to without being allowed.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Whether the server may speak to an address: it is public, or of a network that the operator named.
#[must_use]
pub fn is_allowed(address: IpAddr, allowed: &[IpNet]) -> bool {
    let plain = address.to_canonical();
    is_public(address) || allowed.iter().any(|network| network.contains(&plain))
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    !REFUSED_V4
        .iter()
        .any(|(network, length)| (bits ^ u32::from(Ipv4Addr::from(*network))) >> (32 - length) == 0)
}

/// Only 2000::/3 is given out to anybody, and the address of a translator (64:ff9b::/96) is as good as the one within it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(within) = embedded(address) {
        return is_public_v4(within);
    }
    let bits = u128::from(address);
    let is_global = bits >> 125 == 1;
    let within = |(network, length): &([u16; 8], u32)| {
        (bits ^ u128::from(Ipv6Addr::from(*network))) >> (128 - length) == 0
    };
    is_global && !REFUSED_V6.iter().any(within)
}

/// The IPv4 address that an IPv6 address stands for: mapped, translated, or 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let of = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => of(high, low),
        [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}
