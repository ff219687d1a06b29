//! Debug output contains neither credentials nor personal data.

use boltguard::apikey::ApiKeys;
use boltguard::guard::{CheckResults, Guard};
use boltguard::{
    ApiKeyBackend, ApiKeySource, Credential, HeaderName, Revocation, RevocationStatus,
};

use crate::support::{NOW, admitted, bearer, check, done, gate, jwt, revocation_check, secret};

const CLAIMS: &str = r#"{"sub":"hidden","jti":"hidden","exp":1300819380,"email":"hidden",
    "permissions":["hidden.*"],"scope":"hidden"}"#;

#[test]
fn debug_output_has_no_credentials_and_no_personal_data() {
    let keys = ApiKeys::builder()
        .key("sk-hidden")
        .permissions("sk-hidden", ["hidden.add"]);
    let keys = ApiKeySource::Static(keys.build().unwrap());
    let keys = ApiKeyBackend::new(keys, HeaderName::new("x-api-key").unwrap());
    let elsewhere = jwt().with_revocation(Revocation::External);
    let gate = gate([elsewhere.into(), keys.into()], &Guard::authenticated());

    let value = bearer(CLAIMS);
    let headers = [("authorization", value.as_str())];
    let need = revocation_check(&gate, &headers);
    let step = gate.evaluate(&headers, NOW);
    let known = done(
        need.clone()
            .resume(RevocationStatus::NotRevoked, &headers, NOW),
    );
    let holder = check(&gate, &[("x-api-key", "sk-hidden")]);
    let mut shown = vec![
        format!("{gate:?} {gate:#?} {:?}", secret()),
        format!("{need:?} {need:#?} {step:?}"),
        format!("{known:?} {known:#?} {holder:?} {holder:#?}"),
    ];
    for caller in [admitted(known), admitted(holder)] {
        let explanation = gate.explain(&caller, &CheckResults::new());
        shown.push(format!("{caller:?} {:?}", caller.view()));
        shown.push(format!("{:?} {explanation:?}", caller.principal()));
        if let Credential::ApiKey(caller) = caller.credential() {
            shown.push(format!("{caller:?} {:?}", caller.entry()));
        }
    }
    let bytes = format!("{:?}", b"hidden");
    let token = value.trim_start_matches("Bearer ");
    for text in shown {
        for hidden in token
            .split('.')
            .chain(["hidden", bytes.trim_matches(['[', ']'])])
        {
            assert!(!text.contains(hidden), "{text}");
        }
    }
}
