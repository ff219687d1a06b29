//! The claims in which a policy finds grants, if they aren't the default ones.

use std::borrow::Cow;
use std::sync::Arc;

use boltguard_encoding::json::{JsonError, Kind, Reader, Text};
use boltguard_grants::{GrantReader, GrantSet, Requirements};

use crate::claims::{Body, read_tested};
use crate::grants::split;
use crate::{ClaimPath, ClaimsPolicy, PolicyError};

/// The paths of the claims with grants. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct GrantSources(Arc<Paths>);

#[derive(Clone, Debug)]
struct Paths {
    permissions: Box<[ClaimPath]>,
    scopes: Box<[ClaimPath]>,
    roles: Box<[ClaimPath]>,
}

/// What a claim grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrantKind {
    Permission,
    Role,
    Scope,
}

impl ClaimsPolicy {
    /// The maximum number of paths for each kind of grant.
    pub const MAX_SOURCES: usize = 16;

    /// Reads permissions from these claims, instead of `permissions`.
    ///
    /// A claim is a list of strings, or a space-separated string. Any other value doesn't grant anything; see
    /// [`AdmittedClaims::ignored_grants`]. An empty list of paths, or one with a duplicate or more than
    /// [`MAX_SOURCES`](Self::MAX_SOURCES), is a [mistake](Self::check_settings).
    ///
    /// Claims that this policy admits, with any of these three settings, don't have grants for a guard until
    /// [`AdmittedClaims::with_requirements`] is called. A `JwtBackend` of the facade does that.
    ///
    /// [`AdmittedClaims::ignored_grants`]: crate::AdmittedClaims::ignored_grants
    /// [`AdmittedClaims::with_requirements`]: crate::AdmittedClaims::with_requirements
    #[must_use]
    pub fn with_permissions_from(self, paths: impl IntoIterator<Item = ClaimPath>) -> Self {
        self.with_sources(paths, |all, paths| all.permissions = paths)
    }

    /// Reads OAuth scopes from these claims, instead of `scope` and `scp`; otherwise like
    /// [`with_permissions_from`](Self::with_permissions_from).
    ///
    /// The strings of a list are split at spaces, too.
    #[must_use]
    pub fn with_scopes_from(self, paths: impl IntoIterator<Item = ClaimPath>) -> Self {
        self.with_sources(paths, |all, paths| all.scopes = paths)
    }

    /// Reads roles from these claims; otherwise like [`with_permissions_from`](Self::with_permissions_from). Without
    /// this setting, tokens have no roles.
    ///
    /// ```
    /// use boltguard_jwt::{ClaimPath, ClaimsPolicy};
    ///
    /// // The roles of a realm of Keycloak.
    /// let policy = ClaimsPolicy::new().with_roles_from([ClaimPath::new("realm_access.roles")?]);
    /// assert!(policy.reads_roles());
    /// # Ok::<(), boltguard_jwt::ClaimPathError>(())
    /// ```
    #[must_use]
    pub fn with_roles_from(self, paths: impl IntoIterator<Item = ClaimPath>) -> Self {
        self.with_sources(paths, |all, paths| all.roles = paths)
    }

    /// Returns whether tokens can have roles.
    #[must_use]
    pub fn reads_roles(&self) -> bool {
        self.sources
            .as_ref()
            .is_some_and(|sources| !sources.0.roles.is_empty())
    }

    /// Returns whether grants are read from other claims than the default ones, or also from others.
    #[must_use]
    #[inline]
    pub fn has_grant_sources(&self) -> bool {
        self.sources.is_some()
    }

    fn with_sources(
        mut self,
        paths: impl IntoIterator<Item = ClaimPath>,
        set: impl FnOnce(&mut Paths, Box<[ClaimPath]>),
    ) -> Self {
        let paths: Box<[ClaimPath]> = paths.into_iter().collect();
        let has_duplicate = (1..paths.len()).any(|at| paths[..at].contains(&paths[at]));
        let (is_empty, is_long) = (paths.is_empty(), paths.len() > Self::MAX_SOURCES);
        let sources = self.sources.get_or_insert_with(GrantSources::default);
        set(Arc::make_mut(&mut sources.0), paths);
        self.refuse_if(is_empty, PolicyError::NoClaimPath)
            .refuse_if(is_long, PolicyError::TooManyClaimPaths)
            .refuse_if(has_duplicate, PolicyError::DuplicateClaimPath)
    }
}

/// The claims that are read by default.
impl Default for GrantSources {
    fn default() -> Self {
        Self(Arc::new(Paths {
            permissions: ["permissions"].map(ClaimPath::of_name).into(),
            scopes: ["scope", "scp"].map(ClaimPath::of_name).into(),
            roles: Box::default(),
        }))
    }
}

impl GrantSources {
    fn all(&self) -> impl Iterator<Item = (GrantKind, &ClaimPath)> {
        let of = |kind| move |path| (kind, path);
        let permissions = self.0.permissions.iter().map(of(GrantKind::Permission));
        let scopes = self.0.scopes.iter().map(of(GrantKind::Scope));
        permissions
            .chain(scopes)
            .chain(self.0.roles.iter().map(of(GrantKind::Role)))
    }

    /// Determines which of the `requirements` the claims meet, and whether a claim with grants has the wrong type.
    #[cold]
    pub(crate) fn read(&self, body: &Body, requirements: &Requirements) -> (GrantSet, bool) {
        let mut grants = requirements.reader();
        let (mut is_ignored, paths) = (false, self.all().collect::<Vec<_>>());
        let values = find(body, &paths, |name, value| {
            let name = name.to_text();
            if grants.mentions_claim(name.as_bytes()) {
                read_tested(name.as_bytes(), value, &mut grants);
            }
        });
        for ((kind, _), value) in paths.iter().zip(values) {
            let has_type = value.is_none_or(|value| {
                for_each(*kind, value, |granted| grant(*kind, &granted, &mut grants))
            });
            is_ignored |= !has_type;
        }
        (grants.finish(), is_ignored)
    }

    /// Calls `each` with every grant of this kind.
    pub(crate) fn list<'b>(
        &self,
        body: &'b Body,
        kind: GrantKind,
        mut each: impl FnMut(Cow<'b, str>),
    ) {
        let paths: Vec<_> = self.all().filter(|(one, _)| *one == kind).collect();
        for value in find(body, &paths, |_, _| ()).into_iter().flatten() {
            for_each(kind, value, &mut each);
        }
    }

    /// Returns the paths of claims with a wrong type, with their JSON.
    pub(crate) fn mistyped<'s, 'b>(&'s self, body: &'b Body) -> Vec<(&'s str, &'b str)> {
        let paths: Vec<_> = self.all().collect();
        let values = find(body, &paths, |_, _| ());
        let named = paths.iter().zip(values);
        named
            .filter_map(|((kind, path), value)| {
                let value = value?;
                (!for_each(*kind, value, |_| ())).then_some((path.as_str(), value))
            })
            .collect()
    }
}

/// Returns the JSON of the claim at each path, and calls `member` with each member of the top level.
fn find<'b>(
    body: &'b Body,
    paths: &[(GrantKind, &ClaimPath)],
    mut member: impl FnMut(Text<'b>, &'b str),
) -> Vec<Option<&'b str>> {
    let mut places = vec![Place::default(); paths.len()];
    let read = Reader::new(body.as_json()).object(|reader, name| {
        let value = reader.read_raw()?;
        for (place, (_, path)) in places.iter_mut().zip(paths) {
            if name == path.as_str() {
                place.whole = Some(value);
            } else if name == path.split().0 {
                place.first = Some(value);
            }
        }
        member(name, value);
        Ok::<_, JsonError>(())
    });
    // The payload was valid when it was read first, so there is no error.
    let places = if read.is_ok() { places } else { Vec::new() };
    let values = places.iter().zip(paths);
    values.map(|(place, (_, path))| place.value(path)).collect()
}

/// The members of the top level that a path can refer to.
#[derive(Clone, Copy, Default)]
struct Place<'b> {
    /// The member whose name is the whole path.
    whole: Option<&'b str>,
    /// The member whose name is the first part.
    first: Option<&'b str>,
}

impl<'b> Place<'b> {
    fn value(self, path: &ClaimPath) -> Option<&'b str> {
        self.whole.or_else(|| {
            let (first, (_, rest)) = (self.first?, path.split());
            rest?.split('.').try_fold(first, only_member)
        })
    }
}

/// Returns the member of an object with this name. `None` if there are two, because other libraries could read either.
fn only_member<'b>(object: &'b str, name: &str) -> Option<&'b str> {
    let mut reader = Reader::new(object);
    if reader.kind() != Ok(Kind::Object) {
        return None;
    }
    let (mut found, mut is_ambiguous) = (None, false);
    let read = reader.object(|reader, other| {
        let value = reader.read_raw()?;
        if other == name {
            is_ambiguous |= found.replace(value).is_some();
        }
        Ok::<_, JsonError>(())
    });
    read.ok().and(found).filter(|_| !is_ambiguous)
}

/// Calls `each` with the grants of a claim. Returns `false` if it has a wrong type, in whole or in part.
fn for_each<'b>(kind: GrantKind, value: &'b str, mut each: impl FnMut(Cow<'b, str>)) -> bool {
    let mut reader = Reader::new(value);
    match reader.kind() {
        Ok(Kind::Array) => reader
            .strings(|text| match kind {
                GrantKind::Scope => split(text.to_text(), &mut each),
                GrantKind::Permission | GrantKind::Role => each(text.to_text()),
            })
            .unwrap_or(false),
        Ok(Kind::String) => {
            let text = reader.string();
            text.map(|text| split(text.to_text(), each)).is_ok()
        }
        Ok(Kind::Null) => true,
        _ => false,
    }
}

fn grant(kind: GrantKind, granted: &str, grants: &mut GrantReader<'_>) {
    match kind {
        GrantKind::Permission => grants.permission(granted),
        GrantKind::Role => grants.role(granted),
        GrantKind::Scope => grants.scope(granted),
    }
}
