//! An issuer's own description: where its keys are (OpenID Connect Discovery, RFC 8414). It is read again with the keys,
//! so that an issuer that moves them takes the gateway along.

use http::StatusCode;
use serde::Deserialize;
use url::Url;

use super::keys::{KeyError, is_safe, read};
use crate::limits::METADATA_BYTES;

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: Url,
}

/// Where the issuer says that its keys are. `at` is its address, `issuer` its name, which the description must have
/// exactly: otherwise whoever answers there speaks for somebody else.
pub(super) async fn key_set(client: &reqwest::Client, at: &Url, issuer: &str) -> Result<Url, KeyError> {
    let unavailable = |what: &str| KeyError::Unavailable(format!("the issuer's metadata: {what}"));
    let mut found = None;
    for place in places(at) {
        match read(client, &place, METADATA_BYTES).await {
            Ok(body) => {
                found = Some(body);
                break;
            }
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {}
            Err(error) => return Err(unavailable(&error.to_string())),
        }
    }
    let body = found.ok_or_else(|| unavailable("there is none"))?;
    let metadata: Metadata =
        serde_json::from_slice(&body).map_err(|_| unavailable("not JSON with issuer and jwks_uri"))?;
    if metadata.issuer != issuer {
        return Err(unavailable("it is of another issuer"));
    }
    // What was asked over TLS must not lead to what is not.
    if !is_safe(&metadata.jwks_uri) || (at.scheme() == "https" && metadata.jwks_uri.scheme() != "https") {
        return Err(unavailable("its jwks_uri is not https"));
    }
    Ok(metadata.jwks_uri)
}

/// OpenID Connect puts its well-known path after the issuer's own, RFC 8414 before it.
fn places(at: &Url) -> [Url; 2] {
    let own = at.path().trim_end_matches('/');
    [format!("{own}/.well-known/openid-configuration"), format!("/.well-known/oauth-authorization-server{own}")].map(
        |path| {
            let mut place = at.clone();
            place.set_path(&path);
            place.set_query(None);
            place.set_fragment(None);
            place
        },
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_issuers_description_is_looked_for_where_both_standards_put_it() {
        for (at, expected) in [
            (
                "https://test.idporten.no",
                [
                    "https://test.idporten.no/.well-known/openid-configuration",
                    "https://test.idporten.no/.well-known/oauth-authorization-server",
                ],
            ),
            (
                "https://login.test/tenant/",
                [
                    "https://login.test/tenant/.well-known/openid-configuration",
                    "https://login.test/.well-known/oauth-authorization-server/tenant",
                ],
            ),
        ] {
            assert_eq!(places(&at.parse().unwrap()).map(String::from), expected);
        }
    }
}
