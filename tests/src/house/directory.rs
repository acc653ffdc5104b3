//! The directory file of the simulated world: who is whose GP, and what the offices agreed with whom.

use dialog_contract::service::Service;
use serde_json::{Value, json};

use super::rooms;
use crate::sim::world::{self, CITIZENS, Gp, KRY, OFFICES, Office, SPECIALISTS, Solution};

/// The whole file.
#[must_use]
pub fn file() -> Value {
    json!({
        "providers": Solution::ALL
            .iter()
            .map(|one| json!({ "id": one.plugin(), "name": one.name(), "kind": one.kind() }))
            .collect::<Vec<_>>(),
        "offices": OFFICES.iter().map(office).collect::<Vec<_>>(),
        "agreements": OFFICES.iter().flat_map(agreements).collect::<Vec<_>>(),
        "nationalProviders": [{ "provider": Solution::Kry.plugin(), "office": KRY.service_her_id }],
        "citizens": CITIZENS.iter().map(citizen).collect::<Vec<_>>(),
    })
}

fn office(office: &Office) -> Value {
    json!({
        "herId": office.service_her_id,
        "organisationHerId": office.her_id,
        "organisationNumber": office.organisation_number,
        "name": office.service_name,
        "telephone": office.phone,
        "address": office.address,
        "directions": "Inngang fra gata, annen etasje.",
        "hours": (1..=5).map(|weekday| json!({ "weekday": weekday, "opens": "08:00", "closes": "15:30" })).collect::<Vec<_>>(),
        "practitioners": office.gps.iter().map(|gp| json!({
            "clinician": clinician(gp),
            "weekdays": [1, 2, 3, 4, 5],
            "languages": ["nb", "en"],
            "specialist": SPECIALISTS.contains(&gp.hpr),
        })).collect::<Vec<_>>(),
        "modes": ["in-person", "telephone", "video"],
        "payment": "Kort, Vipps eller faktura.",
        "accessibility": "Heis og trinnfri inngang. Teleslynge i resepsjonen.",
    })
}

/// A clinician as the contract names one.
#[must_use]
pub fn clinician(gp: &Gp) -> Value {
    json!({
        "hprNumber": gp.hpr.parse::<u32>().unwrap_or_default(),
        "herId": gp.her_id,
        "givenName": gp.given_name,
        "familyName": gp.family_name,
    })
}

fn agreements(office: &Office) -> Vec<Value> {
    let booking = if office.direct_booking { "direct" } else { "request" };
    let agreement = |(service, solution): &(Service, Solution)| {
        let mut agreement = json!({
            "office": office.service_her_id,
            "service": service,
            "plugin": solution.plugin(),
            "enabled": true,
            "settings": rooms::settings(office, *solution),
        });
        match service {
            Service::Appointment => agreement["booking"] = json!(booking),
            // Doctors meet their patients by video where the vendor has rooms for it.
            Service::Consultation if matches!(solution, Solution::Kry | Solution::Helserespons) => {
                agreement["modes"] = json!(["text", "image", "video"]);
            }
            Service::Consultation => agreement["modes"] = json!(["text", "image"]),
            _ => {}
        }
        if let Some(prices) = prices(*service) {
            agreement["prices"] = prices;
        }
        agreement
    };
    office.services.iter().map(agreement).collect()
}

/// A citizen's telephone: a number of their own.
#[must_use]
pub fn mobile(citizen: &world::Citizen) -> String {
    let nth = CITIZENS.iter().position(|one| one.national_id == citizen.national_id).unwrap_or_default();
    format!("+479000{nth:04}")
}

/// A citizen's mailbox.
#[must_use]
pub fn email(citizen: &world::Citizen) -> String {
    let nth = CITIZENS.iter().position(|one| one.national_id == citizen.national_id).unwrap_or_default();
    format!("innbygger{nth}@example.test")
}

/// What the offices charge for a service.
fn prices(service: Service) -> Option<Value> {
    match service {
        Service::Consultation => Some(json!([{
            "amount": 17_900,
            "tariff": "2ae",
            "nb": "Egenandel for e-konsultasjon",
            "nn": "Eigendel for e-konsultasjon",
            "en": "Fee for an e-consultation",
        }])),
        Service::Certificate => Some(json!([{
            "amount": 65_000,
            "nb": "Helseattest for førerkort",
            "nn": "Helseattest for førarkort",
            "en": "Health certificate for a driving licence",
        }])),
        _ => None,
    }
}

fn citizen(citizen: &world::Citizen) -> Value {
    let office = world::office(citizen.office_her_id);
    json!({
        "nationalIdentityNumber": citizen.national_id,
        "givenName": citizen.given_name,
        "familyName": citizen.family_name,
        "mobile": mobile(citizen),
        "email": email(citizen),
        "generalPractitioner": citizen.gp_hpr.parse::<u32>().unwrap_or_default(),
        "office": office.map(|office| office.service_her_id),
    })
}
