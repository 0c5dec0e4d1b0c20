//! Ranges of addresses, as an operator lists them.
//!
//! Owns how a range is written and read. Never decides what a listed range allows: [`crate::policy`] does.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// A range of addresses: a network (`10.0.0.0/8`, `fd00::/8`), or one address (`10.0.0.5`, the same as `10.0.0.5/32`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range(IpNet);

/// Why a text is not a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// It is neither an address nor a network.
    #[error("{value:?} is not a range of addresses: expected an address like 10.0.0.5 or a network like 10.0.0.0/8")]
    Malformed {
        /// The text.
        value: String,
    },
    /// The address has bits that its prefix length does not cover, so that one of the two is a mistake.
    #[error("{value:?} is not a network: expected {network}, or {address} for the address alone")]
    HostBits {
        /// The text.
        value: String,
        /// The network in which the address is.
        network: Range,
        /// The address.
        address: IpAddr,
    },
}

impl Range {
    /// Whether an address is in it. An IPv4 address and an IPv6 address that carries it are not the same here.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// Whether it is one address.
    pub(crate) fn is_single(&self) -> bool {
        self.0.prefix_len() == self.0.max_prefix_len()
    }
}

impl From<IpAddr> for Range {
    fn from(address: IpAddr) -> Self {
        Self(address.into())
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(value: &str) -> Result<Self, RangeError> {
        if let Ok(address) = value.parse::<IpAddr>() {
            return Ok(address.into());
        }
        let network: IpNet = value.parse().map_err(|_| RangeError::Malformed { value: value.to_owned() })?;
        if network.trunc() == network {
            Ok(Self(network))
        } else {
            let address = network.addr();
            Err(RangeError::HostBits { value: value.to_owned(), network: Self(network.trunc()), address })
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_networks_or_single_addresses() {
        let check = |written: &str, shown: &str| assert_eq!(written.parse::<Range>().unwrap().to_string(), shown);
        check("10.0.0.0/8", "10.0.0.0/8");
        check("0.0.0.0/0", "0.0.0.0/0");
        check("::1/128", "::1/128");
        check("10.0.0.5", "10.0.0.5/32");
        check("fd00:ec2::254", "fd00:ec2::254/128");
        check("::/0", "::/0");
    }

    #[test]
    fn what_is_not_a_range_is_told_with_what_is_expected() {
        let check = |written: &str, message: &str| {
            assert_eq!(written.parse::<Range>().unwrap_err().to_string(), message);
        };
        let expected = "is not a range of addresses: expected an address like 10.0.0.5 or a network like 10.0.0.0/8";
        for malformed in ["", "localhost", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "::/129", "10.0.0.0 /8", "[::1]"] {
            check(malformed, &format!("{malformed:?} {expected}"));
        }
        check("10.0.0.1/8", "\"10.0.0.1/8\" is not a network: expected 10.0.0.0/8, or 10.0.0.1 for the address alone");
        check("fd00::1/8", "\"fd00::1/8\" is not a network: expected fd00::/8, or fd00::1 for the address alone");
    }
}
