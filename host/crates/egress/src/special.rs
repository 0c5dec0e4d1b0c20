//! Which addresses are not simply somebody's on the internet, and what they are instead.
//!
//! Owns the tables. Never decides whether one may be reached after all: [`crate::policy`] does.
//!
//! Sources: IANA's IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190), the IPv6 address space registry
//! (RFC 4291), and for metadata services the clouds' own documentation. Small blocks that the registries call global for
//! protocols' own use, inside of blocks that are not (192.0.0.9, 2001:1::1 …), are left with the block around them:
//! nobody serves HTTP there. A table's first match counts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::carrier::{MAPPED, NAT64, may_reach, stands_for};

/// What a forbidden address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// No address, or one of this network: `0.0.0.0/8`, `::`.
    Unspecified,
    /// This machine itself: `127.0.0.0/8`, `::1`.
    Loopback,
    /// A private network: RFC 1918, RFC 4193.
    Private,
    /// The network's own link: `169.254.0.0/16`, `fe80::/10`.
    LinkLocal,
    /// A service of a cloud that hands credentials to whoever asks from inside. Reached only if listed by itself.
    Metadata,
    /// Between a provider and its customers (CGNAT): `100.64.0.0/10`, RFC 6598.
    Shared,
    /// Many receivers at once.
    Multicast,
    /// Everybody on the link: `255.255.255.255`.
    Broadcast,
    /// Examples in texts: RFC 5737, RFC 3849, RFC 9637.
    Documentation,
    /// Benchmarks of networks: RFC 2544, RFC 5180.
    Benchmarking,
    /// Assigned to protocols: `192.0.0.0/24`, `2001::/23`, RFC 6890, RFC 2928.
    Protocol,
    /// A former meaning that some networks still know: 6to4's relays, site-local IPv6.
    Deprecated,
    /// Goes nowhere: `100::/64`, RFC 6666; the dummy prefix, RFC 9780.
    Discard,
    /// A hash, not a place: ORCHID, RFC 4843 and RFC 7343.
    Orchid,
    /// An IPv4 network behind a tunnel: Teredo, RFC 4380.
    Teredo,
    /// An IPv4 network behind a translator of the own network: `64:ff9b:1::/48`, RFC 8215.
    Translation,
    /// A segment of a routed path: `5f00::/16`, RFC 9602.
    Segment,
    /// Not given to anybody.
    Reserved,
}

/// What was found out about a forbidden address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What it is.
    pub(crate) class: Class,
    /// The IPv4 address that an IPv6 address stands for, if it is that one that is forbidden.
    pub(crate) carried: Option<Ipv4Addr>,
}

/// What forbids an address; `None` if it is a public one.
pub(crate) fn classify(address: IpAddr) -> Option<Finding> {
    match address {
        IpAddr::V4(v4) => classify_v4(v4).map(|class| Finding { class, carried: None }),
        IpAddr::V6(v6) => classify_v6(v6),
    }
}

fn classify_v4(address: Ipv4Addr) -> Option<Class> {
    if METADATA_V4.contains(&address) {
        return Some(Class::Metadata);
    }
    V4.iter().find(|(network, _)| network.contains(&address)).map(|&(_, class)| class)
}

fn classify_v6(address: Ipv6Addr) -> Option<Finding> {
    let itself = |class| Some(Finding { class, carried: None });
    // A tunnel is forbidden in any case; one that may end at metadata is moreover not opened by a wide range.
    if METADATA_V6.contains(&address) || may_reach(address).iter().any(|v4| METADATA_V4.contains(v4)) {
        return itself(Class::Metadata);
    }
    if let Some(&(_, class)) = V6.iter().find(|(network, _)| network.contains(&address)) {
        return itself(class);
    }
    let carried = stands_for(address);
    if let Some(class) = carried.and_then(classify_v4) {
        return Some(Finding { class, carried });
    }
    if GLOBAL.iter().any(|network| network.contains(&address)) { None } else { itself(Class::Reserved) }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::Metadata => "cloud metadata",
            Self::Shared => "shared, CGNAT",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Documentation => "documentation",
            Self::Benchmarking => "benchmarking",
            Self::Protocol => "protocol assignments",
            Self::Deprecated => "deprecated",
            Self::Discard => "discard-only",
            Self::Orchid => "ORCHID",
            Self::Teredo => "Teredo",
            Self::Translation => "local IPv4 translation",
            Self::Segment => "segment routing",
            Self::Reserved => "reserved",
        })
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix_len: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix_len)
}

/// A network by the first four groups of its address; the rest is zero.
const fn v6(groups: [u16; 4], prefix_len: u8) -> Ipv6Net {
    let [a, b, c, d] = groups;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix_len)
}

const V4: [(Ipv4Net, Class); 17] = [
    (v4(0, 0, 0, 0, 8), Class::Unspecified),         // RFC 791
    (v4(10, 0, 0, 0, 8), Class::Private),            // RFC 1918
    (v4(100, 64, 0, 0, 10), Class::Shared),          // RFC 6598
    (v4(127, 0, 0, 0, 8), Class::Loopback),          // RFC 1122
    (v4(169, 254, 0, 0, 16), Class::LinkLocal),      // RFC 3927
    (v4(172, 16, 0, 0, 12), Class::Private),         // RFC 1918
    (v4(192, 0, 0, 0, 24), Class::Protocol),         // RFC 6890
    (v4(192, 0, 2, 0, 24), Class::Documentation),    // RFC 5737
    (v4(192, 88, 99, 0, 24), Class::Deprecated),     // RFC 7526
    (v4(192, 168, 0, 0, 16), Class::Private),        // RFC 1918
    (v4(198, 18, 0, 0, 15), Class::Benchmarking),    // RFC 2544
    (v4(198, 51, 100, 0, 24), Class::Documentation), // RFC 5737
    (v4(203, 0, 113, 0, 24), Class::Documentation),  // RFC 5737
    (v4(233, 252, 0, 0, 24), Class::Documentation),  // RFC 6676
    (v4(224, 0, 0, 0, 4), Class::Multicast),         // RFC 5771
    (v4(255, 255, 255, 255, 32), Class::Broadcast),  // RFC 919
    (v4(240, 0, 0, 0, 4), Class::Reserved),          // RFC 1112
];

/// Where public addresses are; the rest is given to nobody (RFC 4291, 2.4). IPv4 by another name is as public as it is.
const GLOBAL: [Ipv6Net; 3] = [v6([0x2000, 0, 0, 0], 3), MAPPED, NAT64];

const V6: [(Ipv6Net, Class); 17] = [
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), Class::Unspecified), // RFC 4291
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), Class::Loopback),      // RFC 4291
    (v6([0x64, 0xff9b, 1, 0], 48), Class::Translation),                    // RFC 8215
    (v6([0x100, 0, 0, 0], 64), Class::Discard),                            // RFC 6666
    (v6([0x100, 0, 0, 1], 64), Class::Discard),                            // RFC 9780
    (v6([0x2001, 0, 0, 0], 32), Class::Teredo),                            // RFC 4380
    (v6([0x2001, 2, 0, 0], 48), Class::Benchmarking),                      // RFC 5180
    (v6([0x2001, 0x10, 0, 0], 28), Class::Orchid),                         // RFC 4843
    (v6([0x2001, 0x20, 0, 0], 28), Class::Orchid),                         // RFC 7343
    (v6([0x2001, 0, 0, 0], 23), Class::Protocol),                          // RFC 2928
    (v6([0x2001, 0xdb8, 0, 0], 32), Class::Documentation),                 // RFC 3849
    (v6([0x3fff, 0, 0, 0], 20), Class::Documentation),                     // RFC 9637
    (v6([0x5f00, 0, 0, 0], 16), Class::Segment),                           // RFC 9602
    (v6([0xfc00, 0, 0, 0], 7), Class::Private),                            // RFC 4193
    (v6([0xfe80, 0, 0, 0], 10), Class::LinkLocal),                         // RFC 4291
    (v6([0xfec0, 0, 0, 0], 10), Class::Deprecated),                        // RFC 3879
    (v6([0xff00, 0, 0, 0], 8), Class::Multicast),                          // RFC 4291
];

const METADATA_V4: [Ipv4Addr; 8] = [
    Ipv4Addr::new(169, 254, 169, 254), // AWS, Azure, Google, Oracle, OpenStack, DigitalOcean, Hetzner and others
    Ipv4Addr::new(169, 254, 170, 2),   // AWS: a task's credentials (ECS)
    Ipv4Addr::new(169, 254, 170, 23),  // AWS: a pod's credentials (EKS)
    Ipv4Addr::new(169, 254, 42, 42),   // Scaleway
    Ipv4Addr::new(169, 254, 0, 23),    // Tencent
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba
    Ipv4Addr::new(168, 63, 129, 16),   // Azure: its agent's server, an address that looks public
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle, formerly
];

const METADATA_V6: [Ipv6Addr; 6] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),      // AWS
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),       // AWS: a pod's credentials (EKS)
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),       // Google
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe), // Oracle
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),        // Scaleway
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe),    // OpenStack
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Each block's first and last address with its class, and what its neighbours on both sides are.
    const EDGES: &str = include_str!("special/edges.txt");

    #[test]
    fn every_block_begins_and_ends_where_its_document_says() {
        let shown = |address: &str| match classify(address.parse().unwrap()) {
            Some(finding) => format!("{:?}", finding.class),
            None => "public".to_owned(),
        };
        let mut classes = 0;
        for line in EDGES.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            let [address, class] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line:?}") };
            assert_eq!(shown(address), class, "{address}");
            classes += 1;
        }
        assert!(classes > 100, "{classes} lines were read");
    }

    #[test]
    fn every_metadata_address_is_known_as_one() {
        for address in METADATA_V4.map(IpAddr::from).into_iter().chain(METADATA_V6.map(IpAddr::from)) {
            assert_eq!(classify(address), Some(Finding { class: Class::Metadata, carried: None }), "{address}");
        }
    }
}
