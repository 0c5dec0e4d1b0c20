//! IPv6 addresses that carry an IPv4 address.
//!
//! Owns where in the bits it stands. Never decides anything: an address that stands for a forbidden one is judged in
//! [`crate::special`].

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv6Net;

const fn net(groups: [u16; 8], prefix_len: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = groups;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix_len)
}

/// `::ffff:a.b.c.d`, RFC 4291, 2.5.5.2: the socket itself speaks IPv4.
pub(crate) const MAPPED: Ipv6Net = net([0, 0, 0, 0, 0, 0xffff, 0, 0], 96);
/// `::ffff:0:a.b.c.d`, RFC 2765: for stateless translation, long deprecated.
const TRANSLATED: Ipv6Net = net([0, 0, 0, 0, 0xffff, 0, 0, 0], 96);
/// `::a.b.c.d`, RFC 4291, 2.5.5.1: deprecated.
const COMPATIBLE: Ipv6Net = net([0; 8], 96);
/// `64:ff9b::a.b.c.d`, RFC 6052: how a network without IPv4 reaches it.
pub(crate) const NAT64: Ipv6Net = net([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
/// `64:ff9b:1::/48`, RFC 8215: the same with a translator of the network's own.
const NAT64_LOCAL: Ipv6Net = net([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48);
/// `2002:aabb:ccdd::/48`, RFC 3056.
const SIX_TO_FOUR: Ipv6Net = net([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);
/// `2001::/32`, RFC 4380.
const TEREDO: Ipv6Net = net([0x2001, 0, 0, 0, 0, 0, 0, 0], 32);

/// The IPv4 address that an IPv6 address is another name of.
pub(crate) fn stands_for(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let last = [MAPPED, TRANSLATED, COMPATIBLE, NAT64];
    if last.iter().any(|network| network.contains(&address)) {
        return Some(at(address, [12, 13, 14, 15]));
    }
    SIX_TO_FOUR.contains(&address).then(|| at(address, [2, 3, 4, 5]))
}

/// The IPv4 addresses that may be reached through an IPv6 address, where its bits alone do not tell which.
pub(crate) fn may_reach(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    if NAT64_LOCAL.contains(&address) {
        // The prefix lengths that RFC 6052, 2.2 leaves inside of a /48; octet 8 is always zero.
        return [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], [12, 13, 14, 15]].map(|o| at(address, o)).into();
    }
    if TEREDO.contains(&address) {
        let client = Ipv4Addr::from_bits(!at(address, [12, 13, 14, 15]).to_bits());
        return vec![at(address, [4, 5, 6, 7]), client];
    }
    Vec::new()
}

fn at(address: Ipv6Addr, octets: [usize; 4]) -> Ipv4Addr {
    let all = address.octets();
    // Every index above is below 16; zero would only be a wrong address, never an allowed one.
    Ipv4Addr::from(octets.map(|index| all.get(index).copied().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carried_addresses_are_read_where_their_documents_put_them() {
        let check = |carrier: &str, expected: &str| {
            assert_eq!(stands_for(carrier.parse().unwrap()).unwrap().to_string(), expected, "{carrier}");
        };
        check("::ffff:192.0.2.33", "192.0.2.33");
        check("::ffff:0:192.0.2.33", "192.0.2.33");
        check("::192.0.2.33", "192.0.2.33");
        check("64:ff9b::192.0.2.33", "192.0.2.33");
        check("2002:c000:221:1::1", "192.0.2.33");
        assert_eq!(stands_for("2606:4700::c000:221".parse().unwrap()), None);
    }

    #[test]
    fn carriers_that_hide_their_address_show_every_possible_one() {
        let check = |carrier: &str| {
            let found = may_reach(carrier.parse().unwrap());
            assert!(found.contains(&Ipv4Addr::new(192, 0, 2, 33)), "{carrier}: {found:?}");
        };
        // The layouts of RFC 6052, 2.4, and the example of RFC 4380, 5.2.
        check("64:ff9b:1:c000:2:2100::");
        check("64:ff9b:1:c0:0:221::");
        check("64:ff9b:1:0:c0:2:2100::");
        check("64:ff9b:1::192.0.2.33");
        check("2001:0:4136:e378:8000:63bf:3fff:fdde");
    }
}
