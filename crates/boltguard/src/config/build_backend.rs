//! Creating backends from their settings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use boltguard_jwks::{JwksSource, JwksUrl, RefreshPolicy, RemoteKeySet};
use boltguard_jwt::{ClaimPath, ClaimsPolicy};
use boltguard_keys::{Algorithm, KeySet};
use boltguard_revocation::RevocationStore;

use super::builder::StoredKeys;
use super::key_reader::{read_keys, without_line_end};
use super::{
    ApiKeySettings, BackendSettings, CookieSettings, Document, DocumentError, DocumentProblem,
    JwtSettings, KeyReader, KeyReference, RevocationSetting, StoreErrorSetting,
};
use crate::{
    API_KEY_BACKEND, ApiKeyBackend, Backend, ConfigError, HeaderName, JWT_BACKEND, JwtBackend,
    Revocation, Scheme, StoreFailurePolicy, TokenCookie,
};

/// What backends are created from, and the keys of other issuers so far.
pub(super) struct BackendBuilder<'b> {
    pub(super) reader: &'b dyn KeyReader,
    pub(super) revocation: Option<&'b Arc<dyn RevocationStore>>,
    pub(super) api_keys: &'b BTreeMap<String, StoredKeys>,
    pub(super) remote_keys: Vec<(JwksSource, Arc<RemoteKeySet>)>,
}

/// The place of a backend in the document.
#[derive(Clone, Copy)]
struct Place<'p>(&'p str);

impl Place<'_> {
    fn error(self, member: &str, problem: impl Into<DocumentProblem>) -> DocumentError {
        DocumentError::new(format!("backends.{}.{member}", self.0), problem)
    }

    fn whole(self, problem: impl Into<DocumentProblem>) -> DocumentError {
        DocumentError::new(format!("backends.{}", self.0), problem)
    }

    fn header(self, name: &str) -> Result<HeaderName, DocumentError> {
        HeaderName::new(name).map_err(|error| self.error("header", error))
    }

    fn schemes(self, names: &[String]) -> Result<Vec<Scheme>, DocumentError> {
        let read = |(index, name): (usize, &String)| {
            Scheme::new(name).map_err(|error| self.error(&format!("schemes[{index}]"), error))
        };
        names.iter().enumerate().map(read).collect()
    }
}

impl BackendBuilder<'_> {
    /// Rejects API keys for a backend that doesn't exist or has another type.
    pub(super) fn check_api_keys(&self, document: &Document) -> Result<(), DocumentError> {
        let is_known =
            |id: &&String| matches!(document.backends.get(*id), Some(BackendSettings::ApiKey(_)));
        match self.api_keys.keys().find(|id| !is_known(id)) {
            Some(id) => Err(Place(id).whole(DocumentProblem::UnexpectedApiKeys)),
            None => Ok(()),
        }
    }

    pub(super) fn build(
        &mut self,
        id: &str,
        settings: &BackendSettings,
    ) -> Result<Backend, DocumentError> {
        match settings {
            BackendSettings::ApiKey(settings) => self.api_key(Place(id), settings),
            BackendSettings::Jwt(settings) => self.jwt(Place(id), settings),
        }
    }

    fn api_key(
        &self,
        place: Place<'_>,
        settings: &ApiKeySettings,
    ) -> Result<Backend, DocumentError> {
        let keys = self.api_keys.get(place.0);
        let keys = keys.ok_or_else(|| place.whole(DocumentProblem::ApiKeysMissing))?;
        let header = place.header(settings.header.as_deref().unwrap_or("x-api-key"))?;
        let mut backend = ApiKeyBackend::new(keys.source.clone(), header);
        if let Some((freshness, on_failure)) = &keys.snapshot {
            backend = backend.with_snapshot(Arc::clone(freshness), *on_failure);
        }
        if let Some(names) = &settings.schemes {
            let schemes = backend.with_schemes(place.schemes(names)?);
            backend = schemes.map_err(|error| place.error("schemes", error))?;
        }
        Ok(
            match explicit_name(place, &settings.name, API_KEY_BACKEND)? {
                Some(name) => backend.with_name(name).into(),
                None => backend.into(),
            },
        )
    }

    fn jwt(&mut self, place: Place<'_>, settings: &JwtSettings) -> Result<Backend, DocumentError> {
        let algorithms = algorithms(place, &settings.algorithms)?;
        let policy = policy(place, settings)?;
        let mut backend = self.with_keys(place, settings, &algorithms, policy)?;
        if let Some(names) = &settings.schemes {
            let schemes = backend.with_schemes(place.schemes(names)?);
            backend = schemes.map_err(|error| place.error("schemes", error))?;
        }
        backend = with_places(place, settings, backend)?;
        backend = self.with_revocation(place, settings, backend)?;
        backend = backend
            .with_cache(settings.cached_tokens)
            .map_err(|error| place.error("cached_tokens", error))?;
        Ok(match explicit_name(place, &settings.name, JWT_BACKEND)? {
            Some(name) => backend.with_name(name).into(),
            None => backend.into(),
        })
    }

    fn with_keys(
        &mut self,
        place: Place<'_>,
        settings: &JwtSettings,
        algorithms: &[Algorithm],
        policy: ClaimsPolicy,
    ) -> Result<JwtBackend, DocumentError> {
        let invalid = |error: ConfigError| match error {
            ConfigError::NoKeys => place.error("keys", error),
            ConfigError::NoKeyFor(_) | ConfigError::Symmetric(_) => {
                place.error("algorithms", error)
            }
            _ => place.whole(error),
        };
        let Some(source) = remote_source(place, settings)? else {
            let keys = self.local_keys(place, settings, algorithms)?;
            return JwtBackend::new(keys, algorithms, policy).map_err(invalid);
        };
        let remote = RemoteKeySet::new(algorithms, RefreshPolicy::default());
        let remote = Arc::new(remote.map_err(|error| place.error("algorithms", error))?);
        let policy = match source.issuer() {
            Some(issuer) => policy.with_issuer([issuer]),
            None => policy,
        };
        let backend = JwtBackend::with_remote_keys(Arc::clone(&remote), algorithms, policy);
        self.remote_keys.push((source, remote));
        backend.map_err(invalid)
    }

    fn local_keys(
        &self,
        place: Place<'_>,
        settings: &JwtSettings,
        algorithms: &[Algorithm],
    ) -> Result<KeySet, DocumentError> {
        let mut all = KeySet::default();
        for (index, reference) in settings.keys.iter().enumerate() {
            let place = |problem| {
                let member = format!("keys[{index}].{}", reference.kind());
                place.error(&member, problem)
            };
            let content = self.read(reference).map_err(place)?;
            let keys = read_keys(&content, algorithms).map_err(|error| place(error.into()))?;
            all = all.and(keys);
        }
        Ok(all)
    }

    fn read(&self, reference: &KeyReference) -> Result<Vec<u8>, DocumentProblem> {
        match reference {
            KeyReference::Env(name) => {
                let value = self.reader.variable(name);
                value.ok_or(DocumentProblem::Variable)
            }
            KeyReference::File(path) => {
                let content = self.reader.file(path).map_err(|_| DocumentProblem::File)?;
                Ok(without_line_end(&content).to_vec())
            }
            KeyReference::Discover(_) | KeyReference::Jwks(_) => Err(DocumentProblem::MixedKeys),
        }
    }

    fn with_revocation(
        &self,
        place: Place<'_>,
        settings: &JwtSettings,
        backend: JwtBackend,
    ) -> Result<JwtBackend, DocumentError> {
        let on_failure = match settings.on_store_error {
            StoreErrorSetting::Allow => StoreFailurePolicy::FailOpen,
            StoreErrorSetting::Deny => StoreFailurePolicy::FailClosed,
        };
        let revocation = match settings.revocation {
            RevocationSetting::External => Revocation::External,
            RevocationSetting::Memory => {
                let missing = || place.error("revocation", DocumentProblem::RevocationStoreMissing);
                Revocation::InProcess(Arc::clone(self.revocation.ok_or_else(missing)?))
            }
            RevocationSetting::None if on_failure == StoreFailurePolicy::FailOpen => {
                let problem = DocumentProblem::StoreErrorWithoutStore;
                return Err(place.error("on_store_error", problem));
            }
            RevocationSetting::None => Revocation::Disabled,
        };
        let backend = backend.with_revocation(revocation);
        Ok(backend.on_store_failure(on_failure))
    }
}

/// Returns the name, unless it is the default, which several backends of a gate may have.
fn explicit_name<'n>(
    place: Place<'_>,
    name: &'n Option<String>,
    default: &str,
) -> Result<Option<&'n str>, DocumentError> {
    match name.as_deref() {
        Some("") => Err(place.error("name", DocumentProblem::Empty)),
        name => Ok(name.filter(|name| *name != default)),
    }
}

fn algorithms(place: Place<'_>, names: &[String]) -> Result<Vec<Algorithm>, DocumentError> {
    if names.is_empty() {
        return Err(place.error("algorithms", DocumentProblem::Empty));
    }
    let mut all = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let invalid = |problem| place.error(&format!("algorithms[{index}]"), problem);
        let algorithm = name.parse::<Algorithm>();
        let algorithm = algorithm.map_err(|_| invalid(DocumentProblem::Algorithm))?;
        if all.contains(&algorithm) {
            return Err(invalid(DocumentProblem::Repeated));
        }
        all.push(algorithm);
    }
    Ok(all)
}

/// Returns where the keys of another issuer are, if the backend uses such keys.
fn remote_source(
    place: Place<'_>,
    settings: &JwtSettings,
) -> Result<Option<JwksSource>, DocumentError> {
    let [reference] = &*settings.keys else {
        return Ok(None);
    };
    let member = format!("keys[0].{}", reference.kind());
    let source = match reference {
        KeyReference::Discover(issuer) => JwksSource::discover(issuer),
        KeyReference::Jwks(url) => JwksUrl::new(url).map(JwksSource::from),
        KeyReference::Env(_) | KeyReference::File(_) => return Ok(None),
    };
    let source = source.map_err(|error| place.error(&member, error))?;
    if let (Some(discovered), Some(issuers)) = (source.issuer(), &settings.issuer)
        && issuers != &[discovered]
    {
        return Err(place.error("issuer", DocumentProblem::IssuerMismatch));
    }
    // A template accepts every tenant of the issuer.
    let is_single = |issuers: &Vec<String>| !issuers.iter().any(|issuer| issuer.contains('{'));
    let is_restricted =
        settings.issuer.as_ref().is_some_and(is_single) || settings.audience.is_some();
    if source.issuer().is_none() && !is_restricted {
        return Err(place.error(&member, DocumentProblem::UnrestrictedIssuer));
    }
    Ok(Some(source))
}

fn policy(place: Place<'_>, settings: &JwtSettings) -> Result<ClaimsPolicy, DocumentError> {
    let leeway = Duration::try_from_secs_f64(settings.leeway);
    let leeway = leeway.map_err(|_| place.error("leeway", DocumentProblem::Leeway))?;
    let mut policy = ClaimsPolicy::new().with_leeway(leeway);
    if let Some(max_age) = settings.max_age {
        let max_age = Duration::try_from_secs_f64(max_age).ok();
        let max_age = max_age.filter(|max_age| !max_age.is_zero());
        let max_age = max_age.ok_or_else(|| place.error("max_age", DocumentProblem::MaxAge))?;
        policy = policy.with_max_age(max_age);
    }
    if let Some(issuers) = &settings.issuer {
        policy = policy.with_issuer_template(issuers);
    }
    if let Some(audiences) = &settings.audience {
        policy = policy.with_audience(audiences);
    }
    if let Some(required) = &settings.required_claims {
        if let Some(index) = required.iter().position(String::is_empty) {
            let member = format!("required_claims[{index}]");
            return Err(place.error(&member, DocumentProblem::EmptyClaim));
        }
        policy = policy.with_required(required.iter().map(String::as_str));
    }
    if let Some(claim) = &settings.user_id_claim {
        if claim.is_empty() {
            return Err(place.error("user_id_claim", DocumentProblem::EmptyClaim));
        }
        policy = policy.with_user_id_claim(claim);
    }
    if !settings.subject_required {
        policy = policy.with_optional_user_id();
    }
    if let Some(typ) = &settings.typ {
        policy = policy.with_type(typ);
    }
    let policy = with_grants(place, settings, policy)?;
    with_claims(place, settings, policy)
}

/// Sets the claims with grants.
fn with_grants(
    place: Place<'_>,
    settings: &JwtSettings,
    mut policy: ClaimsPolicy,
) -> Result<ClaimsPolicy, DocumentError> {
    type Set = fn(ClaimsPolicy, Vec<ClaimPath>) -> ClaimsPolicy;
    let all: [(&str, &Option<Vec<String>>, Set); 3] = [
        (
            "permissions_from",
            &settings.permissions_from,
            ClaimsPolicy::with_permissions_from,
        ),
        (
            "scopes_from",
            &settings.scopes_from,
            ClaimsPolicy::with_scopes_from,
        ),
        (
            "roles_from",
            &settings.roles_from,
            ClaimsPolicy::with_roles_from,
        ),
    ];
    for (member, paths, set) in all {
        let Some(paths) = paths else { continue };
        let paths = claim_paths(place, member, paths)?;
        let checked = set(ClaimsPolicy::new(), paths.clone()).check_settings();
        policy = set(policy, paths);
        checked.map_err(|error| place.error(member, ConfigError::Policy(error)))?;
    }
    Ok(policy)
}

fn claim_paths(
    place: Place<'_>,
    member: &str,
    paths: &[String],
) -> Result<Vec<ClaimPath>, DocumentError> {
    let read = |(index, path): (usize, &String)| {
        ClaimPath::new(path).map_err(|error| place.error(&format!("{member}[{index}]"), error))
    };
    paths.iter().enumerate().map(read).collect()
}

fn with_claims(
    place: Place<'_>,
    settings: &JwtSettings,
    mut policy: ClaimsPolicy,
) -> Result<ClaimsPolicy, DocumentError> {
    for (name, values) in &settings.claims {
        if name.is_empty() {
            return Err(place.error("claims", DocumentProblem::EmptyClaim));
        }
        if values.is_empty() {
            return Err(place.error(&format!("claims.{name}"), DocumentProblem::Empty));
        }
        for value in values {
            policy = policy.with_claim(name, value.to_claim_value());
        }
    }
    Ok(policy)
}

/// Sets the header and the cookie from which tokens are read.
fn with_places(
    place: Place<'_>,
    settings: &JwtSettings,
    mut backend: JwtBackend,
) -> Result<JwtBackend, DocumentError> {
    if let Some(name) = &settings.header {
        backend = backend.with_header(place.header(name)?);
    }
    let Some(cookie) = &settings.cookie else {
        return Ok(backend);
    };
    if cookie.only {
        let unread = [
            ("header", settings.header.is_some()),
            ("schemes", settings.schemes.is_some()),
        ];
        if let Some((member, _)) = unread.iter().find(|(_, is_set)| *is_set) {
            return Err(place.error(member, DocumentProblem::HeaderNotRead));
        }
    }
    Ok(backend.with_cookie(token_cookie(place, cookie)?))
}

fn token_cookie(place: Place<'_>, settings: &CookieSettings) -> Result<TokenCookie, DocumentError> {
    let cookie = TokenCookie::new(&settings.name);
    let cookie = cookie.map_err(|error| place.error("cookie.name", error))?;
    let trusted = cookie.trusting(&settings.trusted_origins);
    let cookie = trusted.map_err(|error| place.error("cookie.trusted_origins", error))?;
    Ok(match settings.only {
        true => cookie.without_header(),
        false => cookie,
    })
}
