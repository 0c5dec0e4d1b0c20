//! What is allowed, over all addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use crate::range::Range;
use crate::{Refusal, Settings};

fn settings(ranges: &[&str]) -> Settings {
    Settings { allow_http: false, allow_cidrs: ranges.iter().map(|range| range.parse().unwrap()).collect() }
}

fn permits(ranges: &[&str], address: &str) -> bool {
    settings(ranges).permit(address.parse().unwrap(), None).is_ok()
}

fn is_public(address: impl Into<IpAddr>) -> bool {
    Settings::default().permit(address.into(), None).is_ok()
}

/// An IPv6 address by its first 12 octets and the IPv4 address behind them.
fn behind(prefix: [u16; 6], v4: Ipv4Addr) -> Ipv6Addr {
    let [a, b, c, d, e, f] = prefix;
    let [h, g] = [v4.to_bits() >> 16, v4.to_bits() & 0xffff].map(|half| u16::try_from(half).unwrap());
    Ipv6Addr::new(a, b, c, d, e, f, h, g)
}

fn six_to_four(v4: Ipv4Addr, rest: u128) -> Ipv6Addr {
    Ipv6Addr::from_bits(0x2002_u128 << 112 | u128::from(v4.to_bits()) << 80 | rest >> 48)
}

/// The carriers that stand for an IPv4 address, each with the same one.
fn carriers(v4: Ipv4Addr, rest: u128) -> Vec<Ipv6Addr> {
    let mut all = vec![six_to_four(v4, rest), behind([0x64, 0xff9b, 0, 0, 0, 0], v4)];
    all.extend([[0, 0, 0, 0, 0, 0xffff], [0; 6], [0, 0, 0, 0, 0xffff, 0]].map(|prefix| behind(prefix, v4)));
    all
}

/// The tunnels that are forbidden whatever they carry.
fn tunnels(v4: Ipv4Addr, rest: u128) -> [Ipv6Addr; 3] {
    let hidden = Ipv4Addr::from_bits(!v4.to_bits());
    let server = u128::from(v4.to_bits()) << 64;
    [
        behind([0x64, 0xff9b, 1, 0, 0, 0], v4),
        behind([0x2001, 0, 0x808, 0x808, 0, 0], hidden),
        Ipv6Addr::from_bits(0x2001_u128 << 112 | server | rest >> 64),
    ]
}

/// What the standard library, which is not asked otherwise, knows to be special.
fn std_forbids(v4: Ipv4Addr) -> bool {
    v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_multicast()
        || v4.is_broadcast()
        || v4.is_documentation()
        || v4.octets()[0] == 0
        || v4.octets()[0] >= 240
}

/// Addresses of which about half are forbidden.
fn any_v4() -> impl Strategy<Value = Ipv4Addr> {
    let near = ["10.0.0.0", "100.64.0.0", "127.0.0.0", "169.254.0.0", "172.16.0.0", "192.168.0.0", "198.18.0.0"];
    let near = prop::sample::select(near.to_vec()).prop_map(|net| net.parse::<Ipv4Addr>().unwrap().to_bits());
    let near = (near, 0_u32..1 << 17).prop_map(|(net, host)| Ipv4Addr::from_bits(net + host));
    prop_oneof![near, any::<u32>().prop_map(Ipv4Addr::from_bits)]
}

proptest! {
    #[test]
    fn a_forbidden_ipv4_is_forbidden_through_every_carrier(v4 in any_v4(), rest: u128) {
        prop_assume!(!is_public(v4));
        for carrier in carriers(v4, rest).into_iter().chain(tunnels(v4, rest)) {
            prop_assert!(!is_public(carrier), "{carrier} carries {v4}");
        }
    }

    #[test]
    fn a_public_ipv4_is_public_through_carriers_in_use_and_through_no_tunnel(v4 in any_v4(), rest: u128) {
        prop_assume!(is_public(v4));
        let in_use = [[0, 0, 0, 0, 0, 0xffff], [0x64, 0xff9b, 0, 0, 0, 0]].map(|prefix| behind(prefix, v4));
        for carrier in in_use.into_iter().chain([six_to_four(v4, rest)]) {
            prop_assert!(is_public(carrier), "{carrier} carries {v4}");
        }
        for tunnel in tunnels(v4, rest) {
            prop_assert!(!is_public(tunnel), "{tunnel} carries {v4}");
        }
    }

    #[test]
    fn what_the_standard_library_knows_is_forbidden(v4 in any_v4(), bits: u128) {
        prop_assert!(!(std_forbids(v4) && is_public(v4)), "{v4}");
        let v6 = Ipv6Addr::from_bits(bits);
        let special = v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_multicast();
        prop_assert!(!(special && is_public(v6)), "{v6}");
        let global = v6.segments()[0] >> 13 == 1;
        prop_assert!(global || !is_public(v6), "{v6}");
    }

    #[test]
    fn a_listed_ipv4_is_allowed_through_what_stands_for_it_and_no_tunnel(v4 in any_v4(), rest: u128) {
        let settings = settings(&["0.0.0.0/0"]);
        prop_assume!(settings.permit(v4.into(), None).is_ok() && !is_public(v4));
        let special = [Ipv6Addr::UNSPECIFIED, Ipv6Addr::LOCALHOST];
        for carrier in carriers(v4, rest).into_iter().filter(|carrier| !special.contains(carrier)) {
            prop_assert!(settings.permit(carrier.into(), None).is_ok(), "{carrier} carries {v4}");
        }
        for tunnel in tunnels(v4, rest) {
            prop_assert!(settings.permit(tunnel.into(), None).is_err(), "{tunnel} carries {v4}");
        }
    }
}

const METADATA: [&str; 12] = [
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "64:ff9b::168.63.129.16",
    "2002:a9fe:a9fe::1",
    "64:ff9b:1::169.254.169.254",
    "2001:0:808:808::5601:5601",
];

#[test]
fn metadata_is_allowed_by_its_exact_address_and_by_no_wider_range() {
    for written in METADATA {
        let address: IpAddr = written.parse().unwrap();
        let most = if address.is_ipv4() { 32 } else { 128 };
        for prefix_len in 0..=most {
            let network = ipnet::IpNet::new(address, prefix_len).unwrap().trunc().to_string();
            assert_eq!(
                permits(&[&network, "0.0.0.0/0", "::/0"], written),
                prefix_len == most,
                "{written} by {network}"
            );
        }
    }
}

#[test]
fn a_carrier_of_metadata_is_allowed_by_the_exact_address_that_it_stands_for() {
    for carrier in ["::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1"] {
        assert!(permits(&["169.254.169.254"], carrier), "{carrier}");
    }
    for tunnel in ["64:ff9b:1::169.254.169.254", "2001:0:808:808::5601:5601"] {
        assert!(!permits(&["169.254.169.254"], tunnel), "{tunnel}");
    }
}

#[test]
fn a_listed_range_allows_what_is_in_it_and_nothing_beside_it() {
    let check = |ranges: &[&str], address: &str, expected: bool| {
        assert_eq!(permits(ranges, address), expected, "{address} with {ranges:?}");
    };
    check(&["10.0.0.0/8"], "10.255.255.255", true);
    check(&["10.0.0.0/8"], "192.168.0.1", false);
    check(&["10.0.0.0/8", "192.168.0.0/16"], "192.168.0.1", true);
    check(&["10.0.0.5"], "10.0.0.5", true);
    check(&["10.0.0.5"], "10.0.0.6", false);
    check(&["127.0.0.1"], "::1", false);
    check(&["::1"], "::1", true);
    check(&["::1"], "127.0.0.1", false);
    check(&["127.0.0.0/8"], "::ffff:127.0.0.1", true);
    check(&["::ffff:127.0.0.1"], "::ffff:127.0.0.1", true);
    check(&["::ffff:127.0.0.1"], "127.0.0.1", false);
    check(&["::/0"], "fd00::1", true);
    check(&["0.0.0.0/0"], "fd00::1", false);
    check(&["10.0.0.0/8"], "1.1.1.1", true);
    check(&["2001::/32"], "2001:0:808:808::1", true);
}

#[test]
fn a_refusal_names_the_address_its_class_the_host_and_the_key() {
    let check = |address: &str, host: Option<&str>, message: &str| {
        let refusal = Settings::default().permit(address.parse().unwrap(), host).unwrap_err();
        assert!(matches!(refusal, Refusal::Address(_)));
        assert_eq!(refusal.to_string(), message);
    };
    let list = "list it in egress.allow_cidrs to allow it";
    check("127.0.0.1", None, &format!("egress to 127.0.0.1 (loopback) is refused: {list}"));
    check(
        "10.1.2.3",
        Some("crm.example.com"),
        &format!("egress to crm.example.com, which resolves to 10.1.2.3 (private), is refused: {list}"),
    );
    check("64:ff9b::a01:203", None, &format!("egress to 64:ff9b::a01:203 (private, as 10.1.2.3) is refused: {list}"));
    check(
        "169.254.169.254",
        None,
        "egress to 169.254.169.254 (cloud metadata) is refused: only egress.allow_cidrs with 169.254.169.254 itself \
         allows it",
    );
    assert_eq!(Range::from(IpAddr::from([10, 0, 0, 5])), "10.0.0.5/32".parse().unwrap());
}
