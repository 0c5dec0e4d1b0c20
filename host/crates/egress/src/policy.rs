//! What the operator allows.
//!
//! Owns the decision on each address and scheme. Never looks at names: who resolves them hands in every address.
//!
//! A listed range allows an address that is in it as it is written, or by the IPv4 address that it stands for (mapped,
//! compatible, NAT64, 6to4): `10.0.0.0/8` also allows `::ffff:10.0.0.1`, since both reach the same machine.

use std::net::IpAddr;

use crate::range::Range;
use crate::refusal::{Forbidden, Refusal};
use crate::special::{Class, Finding, classify};
use crate::target::{Target, TargetError};

/// What may be reached besides public addresses over https. The default allows nothing more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether URLs may be `http:`. Key: `egress.allow_http`.
    pub allow_http: bool,
    /// Ranges that may be reached though they are not public. Key: `egress.allow_cidrs`.
    pub allow_cidrs: Vec<Range>,
}

impl Settings {
    /// Reads a URL, and refuses what can be refused without connecting: its scheme, a user or password in it, an address
    /// in place of a name. For the check of a configuration, and for [`crate::Egress::send`], which checks again.
    ///
    /// # Errors
    /// The URL is not one that can be sent to; the message says which key of the configuration would change that.
    pub fn check(&self, url: &str) -> Result<Target, TargetError> {
        let target = Target::parse(url)?;
        target.permit(self)?;
        Ok(target)
    }

    pub(crate) fn permit_http(&self, authority: &str) -> Result<(), Refusal> {
        if self.allow_http { Ok(()) } else { Err(Refusal::PlainHttp { authority: authority.to_owned() }) }
    }

    /// `host` is the name that resolved to the address, if there was one.
    pub(crate) fn permit(&self, address: IpAddr, host: Option<&str>) -> Result<(), Refusal> {
        match classify(address) {
            Some(finding) if !self.lists(address, finding) => {
                let Finding { class, carried } = finding;
                Err(Forbidden { address, class, carried, host: host.map(str::to_owned) }.into())
            }
            _ => Ok(()),
        }
    }

    fn lists(&self, address: IpAddr, Finding { class, carried }: Finding) -> bool {
        let ranges = self.allow_cidrs.iter().filter(|range| class != Class::Metadata || range.is_single());
        let carried = carried.map(IpAddr::V4);
        ranges.into_iter().any(|range| range.contains(address) || carried.is_some_and(|v4| range.contains(v4)))
    }
}
