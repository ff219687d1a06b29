//! PKCS#8 whose public key is tagged explicitly. RFC 5958 §2 tags it implicitly; ring and others before it do not.

use der::asn1::{BitStringRef, OctetStringRef};
use der::{Decode, Reader, SliceReader, TagMode, TagNumber};
use spki::AlgorithmIdentifierRef;

use super::Pkcs8;

pub(super) fn read_explicit(der: &[u8]) -> der::Result<Pkcs8<'_>> {
    let mut reader = SliceReader::new(der)?;
    let info = reader.sequence(|fields: &mut SliceReader<'_>| {
        let version = u8::decode(fields)?;
        let algorithm = AlgorithmIdentifierRef::decode(fields)?;
        let private_key = <&OctetStringRef>::decode(fields)?.as_bytes();
        let public_key =
            fields.context_specific::<BitStringRef<'_>>(TagNumber(1), TagMode::Explicit)?;
        if version != V2 || public_key.is_none() {
            return Err(der::ErrorKind::Failed.into());
        }
        Ok::<_, der::Error>(Pkcs8 {
            algorithm,
            private_key,
            public_key,
        })
    })?;
    reader.finish()?;
    Ok(info)
}

const V2: u8 = 1;
