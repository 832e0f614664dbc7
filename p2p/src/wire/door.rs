//! What may be asked before anybody is admitted: who we are, and to be let in.

use serde::{Deserialize, Serialize};

use super::{ADDRESS_LIMIT, ADDRESSES_LIMIT, SITE_LIMIT};
use crate::cert::{Charter, DeviceCert, NAME_LIMIT, OwnerCert};
use crate::peer::Offer;

/// Proof of membership, and what others need to know of us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The grid we are a member of; none while we only know our phrase (recovery).
    pub charter: Option<Charter>,
    /// The charter's word for our owner; none while recovering.
    pub owner: Option<OwnerCert>,
    /// Our owner's word for this device.
    pub device: DeviceCert,
    /// Where we listen, as multiaddresses.
    pub addresses: Vec<String>,
    /// What we offer.
    pub offer: Offer,
    /// The site label, if the user declared one.
    pub site: Option<String>,
}

impl Hello {
    /// Whether addresses, names and labels stay within their limits.
    pub fn is_bounded(&self) -> bool {
        let names = [
            self.charter.as_ref().map(|charter| &charter.name),
            self.owner.as_ref().map(|owner| &owner.name),
            Some(&self.device.name),
        ];
        let named = names.into_iter().flatten().all(|name| name.len() <= NAME_LIMIT);
        named
            && self.addresses.len() <= ADDRESSES_LIMIT
            && self.addresses.iter().all(|address| address.len() <= ADDRESS_LIMIT)
            && self.site.as_ref().is_none_or(|site| site.len() <= SITE_LIMIT)
    }
}

/// Spends an invitation: makes our owner a member of the grid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The invitation's one-time secret.
    pub token: [u8; 16],
    /// Our owner's word for this device; its signature proves the owner key is ours.
    pub device: DeviceCert,
    /// The member name we would like to have.
    pub name: String,
}
