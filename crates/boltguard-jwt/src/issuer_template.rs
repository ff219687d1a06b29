//! Issuers that contain the value of a claim, such as one per tenant.

use boltguard_encoding::json::Reader;

/// An issuer with the name of a claim in braces, such as `https://id.example.com/{tid}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssuerTemplate {
    prefix: Box<str>,
    claim: Box<str>,
    suffix: Box<str>,
}

impl IssuerTemplate {
    /// Returns whether the string contains braces, which a URL can't contain, RFC 3986 §2.
    pub(crate) fn is_template(issuer: &str) -> bool {
        issuer.contains(['{', '}'])
    }

    /// Parses a template. It has one claim, and begins with something else.
    pub(crate) fn parse(template: &str) -> Option<Self> {
        let (prefix, rest) = template.split_once('{')?;
        let (claim, suffix) = rest.split_once('}')?;
        let has_others = [prefix, claim, suffix].into_iter().any(Self::is_template);
        // `iss` would be compared with itself.
        if has_others || prefix.is_empty() || claim.is_empty() || claim == "iss" {
            return None;
        }
        Some(Self {
            prefix: prefix.into(),
            claim: claim.into(),
            suffix: suffix.into(),
        })
    }

    /// Returns whether the issuer is the template with the value of the claim, which `find` returns as JSON.
    pub(crate) fn matches<'a>(
        &self,
        issuer: &str,
        find: impl FnOnce(&str) -> Option<&'a str>,
    ) -> bool {
        let rest = issuer.strip_prefix(&*self.prefix);
        let Some(part) = rest.and_then(|rest| rest.strip_suffix(&*self.suffix)) else {
            return false;
        };
        is_segment(part) && find(&self.claim).is_some_and(|json| is_string(json, part))
    }
}

/// Returns whether the value leaves the rest of the URL as it is: it has no `/`, `?` or the like.
fn is_segment(value: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !value.is_empty() && value.bytes().all(is_allowed)
}

fn is_string(json: &str, expected: &str) -> bool {
    let found = Reader::new(json).string();
    found.is_ok_and(|found| found.to_text() == expected)
}
