//! The claims with grants: `permissions`, and `scope` and `scp` with OAuth scopes.

use std::borrow::Cow;

use boltguard_encoding::json::{JsonError, Kind, Reader, Text};
use boltguard_grants::{GrantReader, GrantSet};

use crate::claims::Registered;
use crate::field::{Claim, ListMarks, Span};

impl Registered {
    /// Reads `permissions`: a list of strings, or a space-separated string.
    #[inline(never)]
    pub(crate) fn read_permissions(
        &mut self,
        reader: &mut Reader<'_>,
        grants: &mut GrantReader<'_>,
    ) -> Result<(), JsonError> {
        self.note(Claim::Permissions)?;
        if !reader.is_at_array() {
            self.permissions = self.read_words(Claim::Permissions, reader, |word| {
                grants.permission(word);
            })?;
            return Ok(());
        }
        self.lists.insert(Claim::Permissions);
        let start = reader.position();
        if grants.has_no_grants() {
            reader.skip()?;
        } else {
            let are_strings = reader.strings(|granted| match granted.plain_bytes() {
                Some(plain) => grants.permission(plain),
                None => grant_escaped(granted, grants),
            })?;
            self.note_ignored(Claim::Permissions, are_strings);
        }
        self.permissions = Span::of_range(start..reader.position());
        Ok(())
    }

    /// Reads `scope`, RFC 8693 §4.2, or `scp`: a space-separated string, or a list of such strings.
    #[inline(never)]
    pub(crate) fn read_scope(
        &mut self,
        claim: Claim,
        reader: &mut Reader<'_>,
        grants: &mut GrantReader<'_>,
    ) -> Result<Span, JsonError> {
        self.note(claim)?;
        if !reader.is_at_array() {
            return self.read_words(claim, reader, |word| grants.scope(word));
        }
        self.lists.insert(claim);
        let start = reader.position();
        let are_strings = reader.strings(|text| {
            let text = text.to_text();
            words(&text).for_each(|scope| grants.scope(scope));
        })?;
        self.note_ignored(claim, are_strings);
        Ok(Span::of_range(start..reader.position()))
    }

    /// Grants the words of a string. A value of another type doesn't grant anything; `null` counts as absent.
    fn read_words(
        &mut self,
        claim: Claim,
        reader: &mut Reader<'_>,
        grant: impl FnMut(&str),
    ) -> Result<Span, JsonError> {
        let is_null = reader.kind()? == Kind::Null;
        let Some(text) = reader.try_string()? else {
            self.mistyped.insert(claim);
            self.note_ignored(claim, is_null);
            return Ok(Span::default());
        };
        words(&text.to_text()).for_each(grant);
        Ok(Span::behind(reader, text))
    }

    /// Removes the grants of the default claims.
    pub(crate) fn forget_grants(&mut self) {
        self.grant_set = GrantSet::default();
        self.ignored_grants = ListMarks::default();
    }

    /// Sets the grants of other claims, and whether one of these has the wrong type.
    pub(crate) fn set_grants(&mut self, grant_set: GrantSet, is_ignored: bool) {
        self.grant_set = grant_set;
        // Any mark means that there are such claims. Which ones they are is determined when they are logged.
        self.note_ignored(Claim::Permissions, !is_ignored);
    }

    #[inline]
    fn note_ignored(&mut self, claim: Claim, is_granted: bool) {
        if !is_granted {
            self.ignored_grants.insert(claim);
        }
    }
}

/// Returns the words of a space-separated string.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// Calls `each` with the words of a string, borrowed if the string is.
pub(crate) fn split<'c>(text: Cow<'c, str>, mut each: impl FnMut(Cow<'c, str>)) {
    match text {
        Cow::Borrowed(text) => words(text).for_each(|word| each(word.into())),
        Cow::Owned(text) => words(&text).for_each(|word| each(word.to_owned().into())),
    }
}

#[cold]
#[inline(never)]
fn grant_escaped(granted: Text<'_>, grants: &mut GrantReader<'_>) {
    grants.permission(&*granted.to_text());
}
