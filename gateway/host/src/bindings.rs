//! The WIT package as Rust, generated. The capabilities and the shared types are generated once; each world adds the one
//! interface that it exports.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "generated from schemas/wit, where every item is documented"
)]

/// What plugins import, and the shared types.
pub(crate) mod capabilities {
    wasmtime::component::bindgen!({
        path: "../../schemas/wit",
        world: "capabilities",
        imports: { default: async },
    });
}

macro_rules! world {
    ($(#[$doc:meta])* $module:ident, $world:literal) => {
        $(#[$doc])*
        pub(crate) mod $module {
            wasmtime::component::bindgen!({
                path: "../../schemas/wit",
                world: $world,
                imports: { default: async },
                exports: { default: async },
                with: {
                    "dialog:provider/types": super::capabilities::dialog::provider::types,
                    "dialog:provider/upstream": super::capabilities::dialog::provider::upstream,
                    "dialog:provider/state": super::capabilities::dialog::provider::state,
                    "dialog:provider/clock": super::capabilities::dialog::provider::clock,
                    "dialog:provider/log": super::capabilities::dialog::provider::log,
                    "dialog:provider/attachments": super::capabilities::dialog::provider::attachments,
                },
            });
        }
    };
}

world!(
    /// Written services.
    dialogs,
    "dialogs-provider"
);
world!(
    /// Direct booking.
    appointments,
    "appointments-provider"
);
world!(
    /// Prescriptions that can be renewed.
    prescriptions,
    "prescriptions-provider"
);
world!(
    /// Practical information and forms.
    practice,
    "practice-provider"
);
world!(
    /// Fees.
    payments,
    "payments-provider"
);
world!(
    /// Surveys.
    feedback,
    "feedback-provider"
);
world!(
    /// What the vendor pushes or lets us fetch.
    inbound,
    "inbound-provider"
);
world!(
    /// Consultations by video.
    video,
    "video-provider"
);
world!(
    /// Read marks.
    read_marks,
    "read-marks-provider"
);
world!(
    /// Notices by text message or mail.
    notices,
    "notices-provider"
);
world!(
    /// Who is digitally active.
    citizens,
    "citizens-provider"
);

pub(crate) use capabilities::dialog::provider as host;
