//! The WIT package that this kit speaks, as it was when the kit was built.

use std::sync::LazyLock;

use dialog_contract::provider::Interface;
use wit_parser::{PackageId, Resolve};

/// `types` comes first: it holds the package's declaration.
const WIT: &str = concat!(
    include_str!("../../../schemas/wit/types.wit"),
    include_str!("../../../schemas/wit/appointments.wit"),
    include_str!("../../../schemas/wit/capabilities.wit"),
    include_str!("../../../schemas/wit/citizens.wit"),
    include_str!("../../../schemas/wit/dialogs.wit"),
    include_str!("../../../schemas/wit/feedback.wit"),
    include_str!("../../../schemas/wit/inbound.wit"),
    include_str!("../../../schemas/wit/notices.wit"),
    include_str!("../../../schemas/wit/payments.wit"),
    include_str!("../../../schemas/wit/practice.wit"),
    include_str!("../../../schemas/wit/prescriptions.wit"),
    include_str!("../../../schemas/wit/read-marks.wit"),
    include_str!("../../../schemas/wit/video.wit"),
    include_str!("../../../schemas/wit/worlds.wit"),
);

static PACKAGE: LazyLock<Result<(Resolve, PackageId), String>> = LazyLock::new(|| {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("provider.wit", WIT).map_err(|error| format!("{error:#}"))?;
    Ok((resolve, package))
});

/// Whether a component keeps the functions and types of the world of one interface.
///
/// # Errors
/// In words, what differs.
pub fn conforms(component: &[u8], interface: Interface) -> Result<(), String> {
    let (resolve, package) = PACKAGE.as_ref().map_err(Clone::clone)?;
    let world = format!("{interface}-provider");
    let world = resolve.select_world(&[*package], Some(&world)).map_err(|error| format!("{error:#}"))?;
    wit_component::targets(resolve, world, component).map_err(|error| format!("{:#}", error.root_cause()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use dialog_contract::manifest::CONTRACT;

    use super::*;

    #[test]
    fn every_interface_has_a_world() {
        let (resolve, package) = PACKAGE.as_ref().unwrap();
        for interface in Interface::ALL {
            resolve.select_world(&[*package], Some(&format!("{interface}-provider"))).unwrap();
        }
        let name = &resolve.packages[*package].name;
        assert_eq!(name.to_string(), CONTRACT);
    }
}
