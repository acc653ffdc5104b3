//! Records in forms that other tools read. FHIR events are held against the tables of IHE BALP, which are written down
//! here once more, and against a validator that nobody here wrote, where it can be installed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
#![allow(clippy::print_stdout, reason = "what is skipped is said")]

mod support;

use std::path::PathBuf;
use std::process::Command;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use support::{Case, code, command, complained, json, said};

const ACTIONS: [&str; 71] = [
    "dialog.open",
    "dialog.read",
    "dialog.send",
    "dialog.close",
    "dialog.seen",
    "dialogs.list",
    "dialogs.search",
    "inbox.read",
    "video.join",
    "video.leave",
    "practice.fetch",
    "guidance.read",
    "survey.read",
    "survey.submit",
    "survey-results.read",
    "appointments.slots",
    "appointments.upcoming",
    "appointments.book",
    "appointments.change",
    "appointments.cancel",
    "prescriptions.renewable",
    "payments.outstanding",
    "payments.pay",
    "payments.list",
    "practice.read",
    "office.read",
    "attachment.upload",
    "attachment.read",
    "events.read",
    "events.follow",
    "inbound.poll",
    "inbound.receive",
    "citizen.erase",
    "plugin.install",
    "plugin.load",
    "plugin.grant",
    "plugin.revoke",
    "plugin.refuse",
    "plugin.remove",
    "plugin.rollback",
    "keys.rewrap",
    "tls.reload",
    "unreadable.list",
    "request.refused",
    "gateway.start",
    "gateway.stop",
    "gateway.configure",
    "notice-preferences.read",
    "notice-preferences.change",
    "notice.send",
    "choices.read",
    "digital.choose",
    "archive.choose",
    "citizens.active",
    "citizens.asked",
    "dialog.archive",
    "receipt.read",
    "access-log.read",
    "agreements.read",
    "agreements.change",
    "absences.change",
    "dialog.hand-over",
    "dialog.mark",
    "dialog.export",
    "collegial.open",
    "collegial.list",
    "collegial.read",
    "collegial.send",
    "collegial.join",
    "collegial.close",
    "future.action",
];

/// Every action as every kind that it may be, for a citizen and for none, well and not well.
fn records() -> Vec<Value> {
    let mut records = Vec::new();
    let outcomes = [
        json!({ "status": 200 }),
        json!({ "status": 201, "sent": "yes" }),
        json!({ "status": 404, "problem": "not-found" }),
        json!({ "status": 503, "problem": "provider-unavailable", "sent": "no" }),
        json!({}),
    ];
    for (nth, action) in ACTIONS.iter().enumerate() {
        for (role, person) in
            [("citizen", Some("p-1")), ("portal", None), ("provider", None), ("operator", Some("p-9"))]
        {
            for outcome in &outcomes {
                let kinds: &[&str] = match *action {
                    "inbound.receive" | "inbound.poll" => &["delivery", "outcome"],
                    "request.refused" => &["token-refused", "permission-refused"],
                    "gateway.start" => &["start"],
                    "gateway.stop" => &["stop"],
                    "gateway.configure" => &["configuration"],
                    action if action.starts_with("plugin.") => &["plugin"],
                    _ => &["outcome", "intent", "permission-refused"],
                };
                for kind in kinds {
                    let request = format!("019a0000-0000-7000-8000-{nth:012x}");
                    let mut record = json!({
                        "version": 1, "time": "2026-03-02T08:00:01.25Z", "kind": kind, "action": action,
                        "actor": { "role": role, "client": "portal <&\"" }, "request": request,
                        "traceId": "0af7651916cd43dd8448eb211c80319c",
                    });
                    if let Some(person) = person {
                        record["actor"]["person"] = json!(person);
                        record["citizen"] = json!("p-2");
                        record["dialog"] = json!("019a0000-0000-7000-8000-000000000001");
                    }
                    if role == "provider" {
                        record["call"] =
                            json!({ "plugin": "ddfl", "version": "0.1.0", "digest": "2c26b46b", "attempt": 1 });
                    }
                    if *kind != "intent" {
                        record["outcome"] = outcome.clone();
                    }
                    records.push(record);
                }
            }
        }
    }
    records.push(json!({ "time": "2026-03-02T08:00:01Z", "kind": "start", "action": "gateway.start",
        "actor": { "role": "gateway", "client": "gateway" } }));
    records
}

fn events(case: &Case, more: &[&str]) -> Vec<Value> {
    let exported = command(&[&["export", &case.log(), "--format", "fhir", "--vkey", &case.vkey], more].concat());
    assert_eq!(code(&exported), 0, "{}", complained(&exported));
    let bundle = json(&exported);
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&"Bundle".into(), &"collection".into()));
    bundle["entry"].as_array().unwrap().clone()
}

fn codes<'a>(value: &'a Value, list: &str) -> Vec<&'a str> {
    value[list].as_array().into_iter().flatten().filter_map(|coding| coding["code"].as_str()).collect()
}

/// What is wrong with an event, by FHIR R4 and by the profile that it claims.
fn wrong(event: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    let members = [
        "resourceType",
        "id",
        "meta",
        "contained",
        "extension",
        "type",
        "subtype",
        "action",
        "recorded",
        "outcome",
        "outcomeDesc",
        "purposeOfEvent",
        "agent",
        "source",
        "entity",
    ];
    let list = |name: &str| event[name].as_array().cloned().unwrap_or_default();
    must(event.as_object().unwrap().keys().all(|name| members.contains(&name.as_str())), "no member of AuditEvent");
    must(event["type"]["code"].is_string() && event["type"]["system"].is_string(), "type 1..1");
    must(event["recorded"].as_str().is_some_and(|time| time.ends_with('Z') && time.contains('T')), "recorded 1..1");
    must(event["source"]["observer"]["identifier"]["value"].is_string(), "source.observer 1..1");
    must(["C", "R", "U", "D", "E"].iter().any(|code| event["action"] == *code), "action by its value set");
    must(["0", "4", "8", "12"].iter().any(|code| event["outcome"] == *code), "outcome by its value set");
    must(!list("agent").is_empty(), "agent 1..*");
    for agent in list("agent") {
        must(agent["requestor"].is_boolean(), "agent.requestor 1..1");
        must(agent.get("media").is_none(), "agent.media 0..0");
    }
    for entity in list("entity") {
        must(entity.get("name").is_none() || entity.get("query").is_none(), "sev-1: name or query, not both");
        for detail in entity["detail"].as_array().into_iter().flatten() {
            must(
                detail["type"].is_string() && detail["valueString"].as_str().is_some_and(|text| !text.is_empty()),
                "detail",
            );
        }
    }
    if let Some(contained) = event["contained"].as_array() {
        // dom-3: what is contained is referred to.
        must(contained.len() == 1 && contained[0]["id"] == "patient", "contained");
        must(event["extension"][0]["valueReference"]["reference"] == "#patient", "dom-3");
        must(
            event["extension"][0]["url"] == "http://hl7.no/fhir/StructureDefinition/auditevent-patient-extension",
            "extension",
        );
    }
    let purposes = list("purposeOfEvent");
    must(purposes.len() == 1 && !codes(&purposes[0], "coding").is_empty(), "purposeOfEvent");

    let Some(profile) = event["meta"]["profile"][0].as_str() else { return wrong };
    let name = profile.strip_prefix("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.").unwrap();
    let (patient, name) = name.strip_prefix("Patient").map_or((false, name), |name| (true, name));
    let (action, subtype, client, server, users): (_, _, _, _, &[&str]) = match name {
        "Read" => ("R", "read", "110152", "110153", &["IRCP"]),
        "Query" => ("E", "search-type", "110153", "110152", &["IRCP"]),
        "Create" => ("C", "create", "110153", "110152", &["AUT", "INF", "CST"]),
        "Update" => ("U", "update", "110153", "110152", &["AUT", "INF", "CST"]),
        other => panic!("no profile {other}"),
    };
    must(event["type"]["code"] == "rest", "type rest");
    must(codes(event, "subtype") == [subtype], "subtype");
    must(event["action"] == action, "action");
    must(event["outcome"] == "0", "outcome 0");
    let of_type = |code: &str| -> Vec<Value> {
        list("agent").into_iter().filter(|agent| codes(&agent["type"], "coding") == [code]).collect()
    };
    for (what, code) in [("client", client), ("server", server)] {
        let found = of_type(code);
        must(found.len() == 1, &format!("agent {what} 1..1"));
        for agent in found {
            must(agent["who"]["identifier"]["value"].is_string(), &format!("{what}.who 1..1"));
            must(
                agent["network"]["address"].is_string() && agent["network"]["type"] == "5",
                &format!("{what}.network 1..1"),
            );
        }
    }
    let others: Vec<Value> = list("agent")
        .into_iter()
        .filter(|agent| ![client, server].contains(&codes(&agent["type"], "coding")[0]))
        .collect();
    must(others.len() <= 1, "user 0..1");
    for user in others {
        must(users.contains(&codes(&user["type"], "coding")[0]), "user.type");
        must(user["requestor"] == true, "user.requestor true");
        must(user.get("network").is_none(), "user.network 0..0");
        must(user["who"]["identifier"]["value"].is_string(), "user.who 1..1");
    }
    let entities = |system: &str, code: &str| -> Vec<Value> {
        list("entity")
            .into_iter()
            .filter(|entity| {
                entity["type"]["code"] == code && entity["type"]["system"].as_str().unwrap().ends_with(system)
            })
            .collect()
    };
    let objects = entities("/audit-entity-type", "2");
    must(objects.len() == 1, "one entity of type 2");
    for object in objects {
        if name == "Query" {
            must(object["role"]["code"] == "24", "query.role 24");
            let query = BASE64_STANDARD.decode(object["query"].as_str().unwrap_or("")).unwrap_or_default();
            must(!query.is_empty(), "query.query 1..1");
            for absent in ["what", "lifecycle", "detail"] {
                must(object.get(absent).is_none(), &format!("query.{absent} 0..0"));
            }
        } else {
            must(object["role"]["code"] == "4", "data.role 4");
            must(
                object["what"]["identifier"]["value"].as_str().is_some_and(|value| value.starts_with("urn:uuid:")),
                "data.what 1..1",
            );
        }
    }
    let transactions = entities("/BasicAuditEntityType", "XrequestId");
    must(transactions.len() == 1, "transaction");
    must(transactions.iter().all(|entity| entity["what"]["identifier"]["value"].is_string()), "transaction.what");
    let patients = entities("/audit-entity-type", "1");
    must(patients.len() == usize::from(patient), "patient by the profile");
    for entity in patients {
        must(
            entity["role"]["code"] == "1" && entity["what"]["identifier"]["value"].is_string(),
            "patient.what and role",
        );
    }
    wrong
}

#[test]
fn every_kind_of_record_exports_to_an_audit_event_by_the_tables() {
    let all = records();
    let case = Case::new(all.iter().map(Value::to_string));
    let everything = events(&case, &["--all"]);
    assert_eq!(everything.len(), all.len());
    let mut profiles = std::collections::BTreeMap::new();
    for (record, entry) in all.iter().zip(&everything) {
        let event = &entry["resource"];
        let found = wrong(event);
        assert!(found.is_empty(), "{found:?}\n{record}\n{event:#}");
        assert_eq!(entry["fullUrl"], format!("urn:uuid:{}", event["id"].as_str().unwrap()));
        *profiles
            .entry(event["meta"]["profile"][0].as_str().unwrap_or("none").rsplit('.').next().unwrap())
            .or_insert(0) += 1;
    }
    assert_eq!(
        profiles.keys().copied().collect::<Vec<_>>(),
        ["Create", "PatientCreate", "PatientQuery", "PatientRead", "PatientUpdate", "Query", "Read", "Update", "none"]
    );
    let happened = all.iter().filter(|record| record["kind"] != "intent").count();
    let events = events(&case, &[]);
    assert_eq!(events.len(), happened);
    assert!(events.iter().all(|event| everything.contains(event)), "an event is the same whenever it is exported");
    // The checks can fail: each thing taken away or changed is seen.
    let good = &everything
        .iter()
        .find(|entry| {
            entry["resource"]["meta"]["profile"][0].as_str().is_some_and(|name| name.ends_with("PatientRead"))
        })
        .unwrap()["resource"];
    type Spoil = fn(&mut Value);
    let spoilt: [Spoil; 9] = [
        |event| event["agent"].as_array_mut().unwrap().truncate(1),
        |event| event["agent"][0]["network"] = Value::Null,
        |event| event["agent"][1] = event["agent"][0].clone(),
        |event| event["action"] = json!("D"),
        |event| event["outcome"] = json!("8"),
        |event| event["entity"].as_array_mut().unwrap().retain(|entity| entity["type"]["code"] != "1"),
        |event| event["foo"] = json!(1),
        |event| event["agent"][2]["requestor"] = json!(false),
        |event| event["extension"][0]["valueReference"]["reference"] = json!("#other"),
    ];
    for (nth, spoil) in spoilt.into_iter().enumerate() {
        let mut event = good.clone();
        spoil(&mut event);
        assert!(!wrong(&event).is_empty(), "spoilt {nth}");
    }
}

#[test]
fn what_did_not_come_to_be_is_no_event() {
    let outcome = |request: &str, more: Value| {
        let mut record = json!({ "time": "2026-03-02T08:00:01Z", "kind": "outcome", "action": "dialog.open",
            "actor": { "role": "citizen", "client": "portal" }, "request": request, "outcome": { "status": 201 } });
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        record.to_string()
    };
    let case = Case::new([
        outcome("r-1", json!({})),
        outcome("r-2", json!({})),
        outcome(
            "r-1",
            json!({ "details": { "supersedes": "0" }, "outcome": { "status": 500, "problem": "internal" } }),
        ),
        // Another request's record does not speak for it.
        outcome("r-3", json!({ "details": { "supersedes": "1" } })),
    ]);
    let places = |more: &[&str]| -> Vec<String> {
        let index = |entry: &Value| {
            let entities = entry["resource"]["entity"].as_array().unwrap();
            let log = entities.iter().find(|entity| entity["name"] == "record of the audit log").unwrap();
            log["detail"].as_array().unwrap().iter().find(|detail| detail["type"] == "index").unwrap()["valueString"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        events(&case, more).iter().map(index).collect()
    };
    assert_eq!(places(&[]), ["1", "2", "3"]);
    assert_eq!(places(&["--all"]), ["0", "1", "2", "3"]);
    assert_eq!(places(&["--outcome", "internal"]), ["2"]);
    // What puts a record aside does so where it is not exported itself, too.
    assert_eq!(places(&["--to", "1"]), ["1"]);
}

#[test]
fn json_lines_have_records_byte_for_byte_and_a_table_has_its_columns() {
    let odd = r#"{ "time":"2026-03-02T08:00:01Z",  "kind":"outcome","actor":{"client":"=cmd()"},"office":7,"citizen":"a,\"b\"" }"#;
    let case = Case::new([odd.to_owned(), "no record".to_owned(), "{\n}".to_owned()]);
    let lines = said(&command(&["export", &case.log(), "--format", "jsonl"]));
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines[0], format!("{{\"origin\":\"example.test/log\",\"index\":0,\"record\":{odd}}}"));
    assert_eq!(lines[1], "{\"origin\":\"example.test/log\",\"index\":1,\"record\":\"no record\"}");
    assert_eq!((lines[2], lines.len()), ("{\"origin\":\"example.test/log\",\"index\":2,\"record\":{}}", 3));
    let table = said(&command(&["export", &case.log(), "--format", "csv"]));
    let rows: Vec<&str> = table.split("\r\n").collect();
    assert!(rows[0].starts_with("index,time,kind,action,role,client,person,level,citizen,"), "{table}");
    assert_eq!(rows[1], "0,2026-03-02T08:00:01Z,outcome,,,'=cmd(),,,\"a,\"\"b\"\"\",,,7,,,,,,,,,,,,,");
    assert_eq!(rows.len(), 4, "{table}");
    assert!(rows[..3].iter().all(|row| row.replace("\"a,", "").matches(',').count() == 24), "{table}");
}

#[test]
fn an_export_may_be_several_files_and_never_writes_over_one() {
    let case = Case::new(records().iter().take(25).map(Value::to_string));
    let out = case.file("events.json");
    let export = ["--json", "export", &case.log(), "--format", "fhir", "--all", "--out", &out, "--per-file", "10"];
    let exported = json(&command(&export));
    assert_eq!((&exported["records"], &exported["files"]), (&25.into(), &3.into()));
    let mut lengths = Vec::new();
    for nth in 1..=3 {
        let bundle: Value =
            serde_json::from_slice(&std::fs::read(case.file(&format!("events-0000{nth}.json"))).unwrap()).unwrap();
        lengths.push(bundle["entry"].as_array().unwrap().len());
    }
    assert_eq!(lengths, [10, 10, 5]);
    let again = command(&export);
    assert_eq!(code(&again), 2);
    assert!(said(&again).contains("cannot write"), "{}", said(&again));
}

/// `fhir.resources` from PyPI, in a virtual environment of its own below the target folder.
fn validator() -> Result<PathBuf, String> {
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fhir-resources-8.3.0");
    let python = home.join("bin/python");
    let run = |program: &str, arguments: &[&str]| {
        let ran = Command::new(program).args(arguments).output().map_err(|why| format!("{program}: {why}"))?;
        let said = String::from_utf8_lossy(&ran.stderr);
        ran.status.success().then_some(()).ok_or_else(|| said.lines().last().unwrap_or("it failed").to_owned())
    };
    let interpreter = python.to_str().unwrap();
    let installed = || run(interpreter, &["-c", "import fhir.resources.R4B.auditevent"]);
    if installed().is_err() {
        run("python3", &["-m", "venv", home.to_str().unwrap()])?;
        run(
            interpreter,
            &["-m", "pip", "install", "--quiet", "--timeout", "20", "--retries", "1", "fhir.resources==8.3.0"],
        )?;
        installed()?;
    }
    Ok(python)
}

#[test]
fn a_validator_that_nobody_here_wrote_accepts_every_event() {
    let python = match validator() {
        Ok(python) => python,
        Err(why) => {
            println!("skipped: fhir.resources is not installed and cannot be: {why}");
            return;
        }
    };
    let case = Case::new(records().iter().map(Value::to_string));
    let out = case.file("bundle.json");
    assert_eq!(code(&command(&["export", &case.log(), "--format", "fhir", "--all", "--out", &out])), 0);
    let script = "
import json, sys
from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle
raw = json.load(open(sys.argv[1]))
Bundle.model_validate(raw)
events = [entry['resource'] for entry in raw['entry']]
for event in events:
    AuditEvent.model_validate(event)
for spoil in ('type', 'recorded', 'agent', 'source'):
    event = dict(events[0]); del event[spoil]
    try:
        AuditEvent.model_validate(event)
    except Exception:
        continue
    sys.exit('not refused without ' + spoil)
print(len(events))
";
    let checked = Command::new(python).args(["-c", script, &out]).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    assert_eq!(String::from_utf8_lossy(&checked.stdout).trim(), records().len().to_string());
}
