//! What the two registers know: from the shared world, and changed by tests.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sim::world::{CITIZENS, OFFICES};

/// Both.
#[derive(Debug)]
pub struct Registers {
    /// Citizen's number to the level 2 HER-id of the office and the GP's HPR number.
    lists: BTreeMap<&'static str, (u32, &'static str)>,
    /// About whom something changed, in order; a cursor is a place in it.
    changed: Vec<&'static str>,
}

impl Default for Registers {
    fn default() -> Registers {
        let lists = CITIZENS.iter().filter_map(|citizen| {
            let office = OFFICES.iter().find(|office| office.her_id == citizen.office_her_id)?;
            Some((citizen.national_id, (office.service_her_id, citizen.gp_hpr)))
        });
        Registers { lists: lists.collect(), changed: Vec::new() }
    }
}

impl Registers {
    /// What is said of a citizen; none on no list.
    pub fn assignment(&self, nin: &str) -> Option<Value> {
        let (number, (office, hpr)) = self.lists.get_key_value(nin)?;
        let citizen = CITIZENS.iter().find(|citizen| citizen.national_id == *number)?;
        let office = OFFICES.iter().find(|one| one.service_her_id == *office)?;
        let gp = office.gp(hpr)?;
        Some(json!({
            "patient": { "nin": number, "givenName": citizen.given_name, "familyName": citizen.family_name },
            "gp": {
                "hprNumber": gp.hpr.parse::<u32>().ok()?, "herId": gp.her_id,
                "givenName": gp.given_name, "familyName": gp.family_name,
            },
            "office": { "herId": office.service_her_id, "organisationNumber": office.organisation_number },
        }))
    }

    /// Puts a citizen on the list of another GP.
    pub fn assign(&mut self, nin: &'static str, office: u32, hpr: &'static str) {
        self.lists.insert(nin, (office, hpr));
        self.changed.push(nin);
    }

    /// How much has changed.
    pub fn changed(&self) -> usize {
        self.changed.len()
    }

    /// A page of changes from a cursor on, with its tag; none where there is no such cursor.
    pub fn changes(&self, after: Option<&str>, limit: usize) -> Option<(Value, String)> {
        let at = match after {
            Some(after) => after.strip_prefix("c-")?.parse::<usize>().ok().filter(|at| *at <= self.changed.len())?,
            None => self.changed.len(),
        };
        let until = self.changed.len().min(at + limit);
        let page: Vec<Value> = (at..until)
            .map(|index| json!({ "id": index.to_string(), "kind": "gp-changed", "patient": { "nin": self.changed[index] } }))
            .collect();
        let more = until < self.changed.len();
        let body = json!({ "changes": page, "next": format!("c-{until}"), "more": more });
        Some((body, format!("\"{}\"", self.changed.len())))
    }

    /// What is said of a communication party, with its tag; none where there is no such office.
    pub fn party(&self, her_id: u32) -> Option<(Value, String)> {
        let office = OFFICES.iter().find(|office| office.service_her_id == her_id)?;
        let body = json!({
            "herId": her_id, "parentHerId": office.her_id, "type": "Service",
            "communicationParty": {
                "Active": true, "HerId": her_id, "IsValidCommunicationParty": true, "Name": office.service_name,
                "ParentHerId": office.her_id, "ParentName": office.name,
                "ParentOrganizationNumber": office.organisation_number.parse::<u64>().ok()?,
                "ElectronicAddresses": [],
            },
        });
        Some((body, format!("\"{her_id}\"")))
    }
}
