//! What decides who may come into a server, made from the settings.

use super::CliError;
use crate::api::access::Access;
use crate::api::rate::Rate;
use crate::api::tls::Tls;
use crate::server::jwt::{Jwt, JwtOptions, ROLE_CLAIM};
use crate::server::tokens::Tokens;
use crate::settings::ServerSettings;

/// Reads certificate and keys.
///
/// # Errors
/// Where one of them can't be used.
pub async fn access(settings: &ServerSettings, tokens: Tokens) -> Result<Access, CliError> {
    let tls = settings
        .tls
        .as_ref()
        .map(|tls| Tls::open(&tls.certificate, &tls.key))
        .transpose()?;
    let jwt = match &settings.jwt {
        None => None,
        Some(jwt) => {
            let claim = jwt.role_claim.as_deref().unwrap_or(ROLE_CLAIM);
            let options = JwtOptions {
                issuer: jwt.issuer.clone(),
                audience: jwt.audience.clone(),
                keys: jwt.keys.clone(),
                role_claim: claim.to_owned(),
            };
            Some(Jwt::open(options).await?)
        }
    };
    let rate = settings.rate_limit.map(|per_second| {
        let usual = per_second.saturating_add(per_second.get());
        Rate::new(per_second, settings.burst.unwrap_or(usual))
    });
    Ok(Access {
        tokens,
        jwt,
        rate,
        origins: settings.origins.clone(),
        tls,
    })
}
