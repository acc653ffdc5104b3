//! Codes, each with the system that defines it.

use serde_json::{Value, json};

const AUDIT_EVENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const RESTFUL: &str = "http://hl7.org/fhir/restful-interaction";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const BALP_ENTITY_TYPE: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const SOURCE_TYPE: &str = "http://terminology.hl7.org/CodeSystem/security-source-type";

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": system, "code": code, "display": display })
}

fn concept(coding: Value) -> Value {
    json!({ "coding": [coding] })
}

pub(super) fn rest() -> Value {
    coding(AUDIT_EVENT_TYPE, "rest", "RESTful Operation")
}

pub(super) fn user_authentication() -> Value {
    coding(DCM, "110114", "User Authentication")
}

pub(super) fn application_activity() -> Value {
    coding(DCM, "110100", "Application Activity")
}

pub(super) fn application_start() -> Value {
    coding(DCM, "110120", "Application Start")
}

pub(super) fn application_stop() -> Value {
    coding(DCM, "110121", "Application Stop")
}

pub(super) fn interaction(code: &str) -> Value {
    coding(RESTFUL, code, code)
}

/// Where data comes from.
pub(super) fn source_role() -> Value {
    concept(coding(DCM, "110153", "Source Role ID"))
}

/// Where data goes to.
pub(super) fn destination_role() -> Value {
    concept(coding(DCM, "110152", "Destination Role ID"))
}

/// What runs by itself.
pub(super) fn application() -> Value {
    concept(coding(DCM, "110150", "Application"))
}

pub(super) fn recipient() -> Value {
    concept(coding(PARTICIPATION, "IRCP", "information recipient"))
}

pub(super) fn author() -> Value {
    concept(coding(PARTICIPATION, "AUT", "author (originator)"))
}

pub(super) fn patient_request() -> Value {
    concept(coding(ACT_REASON, "PATRQT", "patient requested"))
}

pub(super) fn treatment() -> Value {
    concept(coding(ACT_REASON, "TREAT", "treatment"))
}

pub(super) fn operations() -> Value {
    concept(coding(ACT_REASON, "HOPERAT", "healthcare operations"))
}

pub(super) fn person() -> Value {
    coding(ENTITY_TYPE, "1", "Person")
}

pub(super) fn system_object() -> Value {
    coding(ENTITY_TYPE, "2", "System Object")
}

pub(super) fn other() -> Value {
    coding(ENTITY_TYPE, "4", "Other")
}

pub(super) fn request_id() -> Value {
    json!({ "system": BALP_ENTITY_TYPE, "code": "XrequestId" })
}

pub(super) fn patient_role() -> Value {
    coding(OBJECT_ROLE, "1", "Patient")
}

pub(super) fn domain_resource() -> Value {
    coding(OBJECT_ROLE, "4", "Domain Resource")
}

pub(super) fn query() -> Value {
    coding(OBJECT_ROLE, "24", "Query")
}

pub(super) fn application_server() -> Value {
    coding(SOURCE_TYPE, "4", "Application Server")
}
