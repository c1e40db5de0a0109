//! The sender of a request, and the number of submissions in flight of each caller.

use amanat_api::problem::Problem;
use amanat_domain::consent::OrgId;
use amanat_domain::tx::Transaction;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// The sender of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    /// The organisation that the client's verified certificate names, if there is one.
    pub(super) organisation: Option<OrgId>,
    peer: IpAddr,
}

/// A caller that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Organisation([u8; 32]),
    Host(IpAddr),
}

impl Caller {
    pub(super) const fn new(peer: IpAddr, organisation: Option<OrgId>) -> Self {
        Self { organisation, peer }
    }

    fn name(&self) -> Name {
        self.organisation.map_or_else(|| Name::Host(host(self.peer)), |o| Name::Organisation(o.to_bytes()))
    }

    /// Whether this caller may submit at all, where certificates are asked for.
    pub(super) fn may_submit(&self, certificates: bool) -> Result<(), Problem> {
        if certificates && self.organisation.is_none() {
            let next = "connect with the certificate of your organisation; reading needs none";
            return Err(Problem::request(
                403,
                "certificate_required",
                "submitting needs a client's certificate",
                next,
            ));
        }
        Ok(())
    }

    /// Whether this caller may submit that transaction. A proof names no organisation, and anyone
    /// may bring one.
    pub(super) fn may_bring(&self, transaction: &Transaction) -> Result<(), Problem> {
        match (self.organisation, transaction) {
            (Some(own), Transaction::Signed(signed)) if own != signed.organisation => {
                let next = "submit with the certificate of the organisation that signed it";
                let message = "another organisation signed this transaction";
                Err(Problem::request(403, "wrong_organisation", message, next)
                    .disagree(own, signed.organisation))
            }
            _ => Ok(()),
        }
    }
}

/// One machine may have all addresses of an IPv6 network of 64 bits.
fn host(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

/// The number of submissions in flight of each caller. Its size is bounded by the number of
/// submissions in flight.
pub(super) struct Quota {
    most: usize,
    taken: Mutex<BTreeMap<Name, usize>>,
}

/// A submission in flight.
pub(super) struct Turn {
    quota: Arc<Quota>,
    name: Name,
}

impl Quota {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    /// Counts one more until what it gives is dropped.
    pub(super) fn enter(self: &Arc<Self>, caller: &Caller) -> Result<Turn, Problem> {
        let name = caller.name();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = taken.get(&name).copied().unwrap_or(0);
        if mine >= self.most {
            return Err(Problem::busy("overloaded", "this caller has too many submissions in flight")
                .disagree(format!("at most {}", self.most), "one more"));
        }
        taken.insert(name, mine + 1);
        Ok(Turn { quota: self.clone(), name })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.quota.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = taken.get_mut(&self.name) {
            *left -= 1;
            if *left == 0 {
                taken.remove(&self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Caller {
        Caller::new(address.parse().expect("an address"), None)
    }

    #[test]
    fn a_caller_has_as_many_turns_as_the_quota_and_others_have_theirs() {
        let quota = Quota::new(2);
        let (one, other) = (at("192.0.2.1"), at("192.0.2.2"));
        let first = quota.enter(&one).expect("room");
        let _second = quota.enter(&one).expect("room");
        let refused = quota.enter(&one).err().expect("no room");
        assert_eq!((refused.status, &*refused.code), (503, "overloaded"));
        let _other = quota.enter(&other).expect("room for another");
        drop(first);
        let _third = quota.enter(&one).expect("room again");
        assert!(quota.enter(&one).is_err());
    }

    #[test]
    fn nothing_is_remembered_of_those_who_are_gone() {
        let quota = Quota::new(1);
        drop(quota.enter(&at("192.0.2.1")));
        assert!(quota.taken.lock().expect("not poisoned").is_empty());
    }

    #[test]
    fn a_machine_with_many_addresses_is_one_caller() {
        let quota = Quota::new(1);
        let organisation = Some(OrgId::from_reference("Organization/hospital"));
        let _turn = quota.enter(&at("2001:db8::1")).expect("room");
        assert!(quota.enter(&at("2001:db8::ffff:1")).is_err(), "the same network of 64 bits");
        let _turn = quota.enter(&at("2001:db8:0:1::1")).expect("another network");
        let _turn = quota.enter(&at("192.0.2.1")).expect("room");
        assert!(quota.enter(&at("::ffff:192.0.2.1")).is_err(), "the same address in other words");
        let certified = |address: &str| Caller::new(address.parse().expect("an address"), organisation);
        let _turn = quota.enter(&certified("192.0.2.1")).expect("an organisation is not its address");
        assert!(quota.enter(&certified("192.0.2.9")).is_err(), "nor does it become another by moving");
    }
}
