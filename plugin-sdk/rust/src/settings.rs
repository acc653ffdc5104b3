//! Reading what the office and the operator set, and who the call is about.

use serde::de::DeserializeOwned;

use crate::{
    inbound::{InboundContext, ServedOffice},
    notices::NoticeContext,
    types::{Citizen, Context, Failure, Sent},
};

impl Context {
    /// What the office agreed with the provider. Unreadable settings are `faulty`; the gateway has checked them against
    /// the manifest's schema, so that means that schema and type do not agree.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read(&self.settings, "settings")
    }

    /// What the operator set for this installation; fails as [`Self::settings`].
    pub fn installation<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read(&self.installation, "installation")
    }

    /// The citizen. The gateway leaves them out only in `practice`.
    pub fn citizen(&self) -> Result<&Citizen, Failure> {
        self.citizen.as_ref().ok_or_else(|| Failure::faulty(Sent::No, "the call names no citizen"))
    }
}

impl InboundContext {
    /// What the operator set for this installation; fails as [`Context::settings`].
    pub fn installation<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read(&self.installation, "installation")
    }
}

impl NoticeContext {
    /// What the operator set for this installation; fails as [`Context::settings`].
    pub fn installation<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read(&self.installation, "installation")
    }
}

impl ServedOffice {
    /// What the office agreed with the provider; fails as [`Context::settings`].
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read(&self.settings, "settings")
    }
}

fn read<T: DeserializeOwned>(json: &str, what: &str) -> Result<T, Failure> {
    serde_json::from_str(json)
        .map_err(|error| Failure::faulty(Sent::No, format!("the {what} are not as the plugin needs them: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde::Deserialize;

    use crate::{testing, types::Failure};

    #[derive(Deserialize, Debug)]
    struct Clinic {
        clinic: u32,
    }

    #[test]
    fn settings_are_read_into_the_plugins_own_type() {
        let mut ctx = testing::context();
        ctx.settings = r#"{"clinic": 7}"#.to_owned();
        assert_eq!(ctx.settings::<Clinic>().unwrap().clinic, 7);
    }

    #[test]
    fn settings_of_another_shape_are_faulty_and_say_what_is_missing() {
        let Failure::Faulty(fault) = testing::context().settings::<Clinic>().unwrap_err() else {
            unreachable!("another failure")
        };
        assert!(fault.detail.contains("missing field `clinic`"), "{}", fault.detail);
    }
}
