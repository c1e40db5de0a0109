//! Bundles as JSON, and the credentials that a proof against one hides among.

use super::{Hex32, RegistryView, ViewError, time};
use crate::MAX_ACTIVE;
use crate::schema::{Absent, AtMost, EachRegistry, UnixTime, described};
use amanat_domain::bundle::{Bundle, BundleHash, PerRegistry, Registry, RegistryState};
use amanat_domain::consent::{OrgId, RoleCode};
use amanat_domain::floors::ActiveCredentials;
use amanat_domain::tree::Root;
use amanat_ledger::SealedBundle;
use serde::{Deserialize, Serialize};

described! { "Bundle":
    /// A sealed bundle.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct BundleView {
        /// Epoch.
        pub epoch: u64,
        /// Time of the block that sealed it.
        pub time: i64 as UnixTime,
        /// Height of the block that sealed it; it is over the state before.
        pub height: u64,
        /// In the order in which the bundle commits to them. Of roles the active ones are counted.
        pub registries: Vec<RegistryView> as EachRegistry<RegistryView>,
        /// Its hash `B_e`.
        pub hash: Hex32,
        /// Epoch whose bundle took its place.
        pub superseded: Option<u64>,
        /// Active credentials when it was sealed: a role or access proof hides among those that
        /// satisfy its policy. Left out where there are more pairs than a node sends, and by nodes
        /// of earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub active: Option<Vec<ActiveView>> as Absent<AtMost<ActiveView, MAX_ACTIVE>>,
    }
}

described! { "ActiveCredentials":
    /// Active credentials of a role at an organisation.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct ActiveView {
        /// The role.
        pub role: Hex32,
        /// The organisation.
        pub organisation: Hex32,
        /// How many.
        pub count: u64,
    }
}

impl From<&SealedBundle> for BundleView {
    fn from(sealed: &SealedBundle) -> Self {
        let bundle = &sealed.bundle;
        let registry = |r: Registry| {
            let RegistryState { root, count } = *bundle.registry(r);
            RegistryView { name: r, root: Hex32(root.to_bytes()), count }
        };
        Self {
            epoch: bundle.epoch,
            time: bundle.time.to_unix(),
            height: sealed.height,
            registries: Registry::ALL.map(registry).to_vec(),
            hash: Hex32(sealed.hash.to_bytes()),
            superseded: sealed.superseded,
            active: listed(&sealed.active),
        }
    }
}

/// The pairs, unless there are too many for one answer.
fn listed(active: &ActiveCredentials) -> Option<Vec<ActiveView>> {
    (active.len() <= MAX_ACTIVE).then(|| active.iter().map(ActiveView::from).collect())
}

impl From<(RoleCode, OrgId, u64)> for ActiveView {
    fn from((role, organisation, count): (RoleCode, OrgId, u64)) -> Self {
        Self { role: Hex32::of(role.to_field()), organisation: Hex32::of(organisation.to_field()), count }
    }
}

impl BundleView {
    /// How many credentials of each role and organisation were active; `None` if the node does not
    /// say.
    ///
    /// The bundle commits to their sum and to nothing else of them, so a node that lies can still
    /// move counts from one pair to another: whether enough qualify is believed to the node.
    ///
    /// # Errors
    /// [`ViewError`]: more pairs than [`MAX_ACTIVE`], a pair twice or without a credential, or a
    /// sum other than the one the bundle commits to.
    pub fn active_credentials(&self) -> Result<Option<ActiveCredentials>, ViewError> {
        let Some(views) = &self.active else { return Ok(None) };
        if views.len() > MAX_ACTIVE {
            let got = views.len();
            return Err(ViewError(format!("active credentials of {got} pairs, at most {MAX_ACTIVE}")));
        }
        let mut sum = 0u64;
        let read = |view: &ActiveView| {
            let (role, organisation) = (view.role.field("role")?, view.organisation.field("organisation")?);
            let total = sum.checked_add(view.count).filter(|_| view.count > 0);
            sum = total
                .ok_or_else(|| ViewError("active credentials: a count of 0, or one too large".into()))?;
            Ok((RoleCode::new(role), OrgId::new(organisation), view.count))
        };
        let active = views.iter().map(read).collect::<Result<ActiveCredentials, _>>()?;
        if active.len() != views.len() {
            return Err(ViewError("active credentials: a role and organisation are there twice".into()));
        }
        let roles = self.registries.iter().find(|registry| registry.name == Registry::Roles);
        let committed = roles.map_or(0, |roles| roles.count);
        if sum != committed {
            return Err(ViewError(format!(
                "active credentials: they sum to {sum}, the bundle commits to {committed}"
            )));
        }
        Ok(Some(active))
    }
}

impl TryFrom<&BundleView> for Bundle {
    type Error = ViewError;
    fn try_from(v: &BundleView) -> Result<Self, ViewError> {
        let names: Vec<Registry> = v.registries.iter().map(|r| r.name).collect();
        if names != Registry::ALL {
            return Err(ViewError("a bundle names the registries in their order".into()));
        }
        let mut views = v.registries.iter();
        let registries = PerRegistry::try_from_fn(|_| {
            let view = views.next().ok_or_else(|| ViewError("a registry is missing".into()))?;
            Ok(RegistryState { root: Root::new(view.root.field("root")?), count: view.count })
        })?;
        let bundle = Self { epoch: v.epoch, time: time(v.time)?, registries };
        let expected = BundleHash::new(v.hash.field("bundle hash")?);
        if bundle.hash() != expected {
            return Err(ViewError(format!(
                "the bundle of epoch {} does not have the hash it names",
                v.epoch
            )));
        }
        Ok(bundle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amanat_domain::field::Fr;
    use amanat_domain::time::Timestamp;

    /// A bundle with what its node says of active credentials: role and count of each pair.
    fn view(pairs: &[(u64, u64)], committed: u64) -> BundleView {
        let registries = PerRegistry::from_fn(|registry| RegistryState {
            root: Root::new(Fr::from(1u64)),
            count: if registry == Registry::Roles { committed } else { 0 },
        });
        let bundle = Bundle { epoch: 3, time: Timestamp::MIN, registries };
        let sealed = SealedBundle {
            hash: bundle.hash(),
            bundle,
            height: 5,
            superseded: None,
            active: ActiveCredentials::default(),
        };
        let pair = |(role, count): &(u64, u64)| {
            ActiveView::from((RoleCode::new(Fr::from(*role)), OrgId::new(Fr::from(9u64)), *count))
        };
        BundleView { active: Some(pairs.iter().map(pair).collect()), ..BundleView::from(&sealed) }
    }

    #[test]
    fn active_credentials_are_taken_if_they_sum_to_what_the_bundle_commits_to() {
        let active =
            view(&[(1, 2), (2, 3)], 5).active_credentials().expect("they fit").expect("they are there");
        assert_eq!(active.iter().map(|(_, _, count)| count).sum::<u64>(), 5);
        let refused = |pairs: &[(u64, u64)], committed: u64, why: &str| {
            let error = view(pairs, committed).active_credentials().expect_err(why);
            assert!(error.0.contains(why), "{error}");
        };
        refused(&[(1, 2), (2, 3)], 4, "sum to 5");
        refused(&[], 1, "sum to 0");
        refused(&[(1, 2), (1, 3)], 5, "twice");
        refused(&[(1, 5), (2, 0)], 5, "a count of 0");
        refused(&[(1, u64::MAX), (2, 1)], 0, "too large");
    }

    #[test]
    fn a_list_of_too_many_pairs_is_refused_and_no_node_sends_one() {
        let pairs: Vec<(u64, u64)> = (1..=MAX_ACTIVE as u64 + 1).map(|role| (role, 1)).collect();
        let error = view(&pairs, MAX_ACTIVE as u64 + 1).active_credentials().expect_err("too many");
        assert!(error.0.contains("at most"), "{error}");
        let credential =
            |(role, count): &(u64, u64)| (RoleCode::new(Fr::from(*role)), OrgId::new(Fr::from(9u64)), *count);
        let many: ActiveCredentials = pairs.iter().map(credential).collect();
        assert_eq!(listed(&many), None);
        let most: ActiveCredentials = pairs[1..].iter().map(credential).collect();
        assert_eq!(listed(&most).map(|pairs| pairs.len()), Some(MAX_ACTIVE));
    }

    #[test]
    fn a_node_of_the_previous_version_says_nothing_of_active_credentials() {
        let mut json = serde_json::to_value(view(&[(1, 5)], 5)).expect("JSON");
        json.as_object_mut().and_then(|bundle| bundle.remove("active")).expect("it was there");
        let view: BundleView = serde_json::from_value(json.clone()).expect("a bundle all the same");
        assert_eq!(view.active_credentials(), Ok(None));
        assert_eq!(serde_json::to_value(&view).expect("JSON"), json, "nor is it written");
        assert!(Bundle::try_from(&view).is_ok());
    }
}
