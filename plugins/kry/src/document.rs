//! JSON:API 1.1 documents, read at the edge and written. What is inside them is read by the rooms that know it.

use std::collections::BTreeMap;

use dialog_plugin_sdk::upstream::{self, Request, Response};
use dialog_plugin_sdk::{Context, Failure, Sent, ids};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{UPSTREAM, refusal};

/// The media type, without parameters: no extension is agreed.
pub const MEDIA_TYPE: &str = "application/vnd.api+json";

/// Characters of the vendor's ids that are taken, by the contract.
const MAX_ID: usize = 256;

/// Why something cannot be understood. Never its content.
pub type Odd = &'static str;

/// Names a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Identifier {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Linkage {
    One(Identifier),
    Many(Vec<Identifier>),
}

#[derive(Clone, Debug, Deserialize)]
struct Relationship {
    #[serde(default)]
    data: Option<Linkage>,
}

/// A resource. Its attributes are read by whoever knows its type.
#[derive(Clone, Debug, Deserialize)]
pub struct Resource {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    #[serde(default)]
    attributes: Value,
    #[serde(default)]
    relationships: BTreeMap<String, Relationship>,
}

impl Resource {
    /// A resource of this type with an id that the contract can hold.
    ///
    /// # Errors
    /// It is of another type or shape.
    pub fn of(value: &Value, kind: &str) -> Result<Self, Odd> {
        let resource = Self::deserialize(value).map_err(|_| "is not a resource")?;
        if resource.kind != kind {
            return Err("is of another type");
        }
        if !is_id(&resource.id) {
            return Err("has an id that is empty, over 256 characters or not in one line");
        }
        Ok(resource)
    }

    /// Its attributes.
    ///
    /// # Errors
    /// They are of another shape.
    pub fn attributes<T: DeserializeOwned>(&self) -> Result<T, Odd> {
        T::deserialize(&self.attributes).map_err(|_| "has attributes of another shape")
    }

    /// The one resource that it relates to by this name.
    #[must_use]
    pub fn related(&self, name: &str) -> Option<&Identifier> {
        match self.relationships.get(name)?.data.as_ref()? {
            Linkage::One(one) => Some(one),
            Linkage::Many(_) => None,
        }
    }

    /// The id of the one resource of this type that it relates to by this name.
    #[must_use]
    pub fn related_id(&self, name: &str, kind: &str) -> Option<&str> {
        self.related(name).filter(|one| one.kind == kind && is_id(&one.id)).map(|one| one.id.as_str())
    }

    /// The resources that it relates to by this name.
    #[must_use]
    pub fn all_related(&self, name: &str) -> &[Identifier] {
        match self.relationships.get(name).and_then(|relationship| relationship.data.as_ref()) {
            Some(Linkage::Many(many)) => many,
            Some(Linkage::One(one)) => std::slice::from_ref(one),
            None => &[],
        }
    }
}

/// Not empty, at most 256 characters, in one line.
#[must_use]
pub fn is_id(id: &str) -> bool {
    !id.is_empty() && id.chars().count() <= MAX_ID && !id.chars().any(char::is_control)
}

#[derive(Deserialize)]
struct Written {
    data: Value,
    #[serde(default)]
    included: Vec<Value>,
    #[serde(default)]
    links: Option<Links>,
}

#[derive(Deserialize)]
struct Links {
    #[serde(default)]
    next: Option<Link>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Link {
    Plain(String),
    Object { href: String },
}

/// A document: what was asked for, and what is included with it.
#[derive(Clone, Debug)]
pub struct Document {
    /// One resource, a list of them, or `null`; each to be read by itself, so that one that is broken breaks no other.
    pub data: Value,
    included: BTreeMap<Identifier, Resource>,
    /// Where the next page is, where there is one.
    pub next: Option<String>,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// It is none. What is included and cannot be read is left out: whoever needs it says so.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let Written { data, included, links } = serde_json::from_slice(bytes)?;
        let mut known = BTreeMap::new();
        for one in included {
            if let Ok(resource) = Resource::deserialize(one) {
                // The first of a type and id: there may be no second.
                let name = Identifier { kind: resource.kind.clone(), id: resource.id.clone() };
                known.entry(name).or_insert(resource);
            }
        }
        let next = links.and_then(|links| links.next).map(|link| match link {
            Link::Plain(link) | Link::Object { href: link } => link,
        });
        Ok(Self { data, included: known, next })
    }

    /// The document in an answer of status 2xx.
    ///
    /// # Errors
    /// It is of another media type, or no document: `faulty`.
    pub fn of(answer: &Response) -> Result<Self, Failure> {
        let media_type = answer.header("content-type").unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(MEDIA_TYPE) {
            return Err(answer.unreadable("is of another media type than JSON:API's"));
        }
        Self::parse(&answer.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            answer.unreadable(format_args!("is not a JSON:API document (line {line}, column {column})"))
        })
    }

    /// The one resource that was asked for.
    ///
    /// # Errors
    /// It is of another type or shape: `faulty`.
    pub fn one(&self, answer: &Response, kind: &str) -> Result<Resource, Failure> {
        Resource::of(&self.data, kind).map_err(|why| answer.unreadable(format_args!("holds a resource that {why}")))
    }

    /// The list that was asked for.
    ///
    /// # Errors
    /// It is none: `faulty`.
    pub fn list(&self, answer: &Response) -> Result<&[Value], Failure> {
        match &self.data {
            Value::Array(list) => Ok(list),
            _ => Err(answer.unreadable("holds no list of resources")),
        }
    }

    /// A resource that is included.
    #[must_use]
    pub fn included(&self, name: &Identifier) -> Option<&Resource> {
        self.included.get(name)
    }

    /// The included resource of this type that another one relates to by this name.
    #[must_use]
    pub fn included_by(&self, resource: &Resource, name: &str, kind: &str) -> Option<&Resource> {
        self.included(resource.related(name).filter(|one| one.kind == kind)?)
    }
}

/// A request that asks for something.
#[must_use]
pub fn get(path: &str) -> Request {
    upstream::get(UPSTREAM, path).header("accept", MEDIA_TYPE)
}

/// A request that makes a resource, once however often it is sent under this key.
#[must_use]
pub fn post(path: &str, key: &str) -> Request {
    once(upstream::post(UPSTREAM, path), key)
}

/// A request that changes a resource, as [`post`].
#[must_use]
pub fn patch(path: &str, id: &str, key: &str) -> Request {
    once(upstream::patch(UPSTREAM, path).segment(id), key)
}

/// The vendor takes keys of 64 characters, the contract has longer ones.
fn once(request: Request, key: &str) -> Request {
    request.header("accept", MEDIA_TYPE).header("idempotency-key", ids::derived("request", &[key]))
}

/// A resource to be made or changed.
#[derive(Debug)]
pub struct Draft<'a, A> {
    /// Its type.
    pub kind: &'static str,
    /// Its id, where it is there already.
    pub id: Option<&'a str>,
    /// Its attributes.
    pub attributes: A,
    /// What it relates to: name, type and id.
    pub related: &'a [(&'static str, &'static str, &'a str)],
}

#[derive(Serialize)]
struct Data<'a, A> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    relationships: BTreeMap<&'static str, Related<'a>>,
    /// The last member: a body with files ends in them.
    attributes: &'a A,
}

#[derive(Serialize)]
struct Related<'a> {
    data: Named<'a>,
}

#[derive(Serialize)]
struct Named<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
}

#[derive(Serialize)]
struct Body<'a, A> {
    data: Data<'a, A>,
}

impl<A: Serialize> Draft<'_, A> {
    /// As a document.
    ///
    /// # Errors
    /// It has no form in JSON: `faulty`, nothing sent.
    pub fn text(&self) -> Result<String, Failure> {
        let relationships =
            self.related.iter().map(|(name, kind, id)| (*name, Related { data: Named { kind, id } })).collect();
        let data = Data { kind: self.kind, id: self.id, relationships, attributes: &self.attributes };
        serde_json::to_string(&Body { data })
            .map_err(|_| Failure::faulty(Sent::No, "a request that has no form in JSON"))
    }
}

/// Sends a request that changes something, and gives the resource in its answer.
///
/// # Errors
/// As [`refusal::accepted`], and where the answer holds no such resource.
pub fn sent<A: Serialize>(
    ctx: &Context,
    request: Request,
    draft: &Draft<'_, A>,
    pointers: &refusal::Pointers,
) -> Result<(Response, Document, Resource), Failure> {
    answered(ctx, request.body(MEDIA_TYPE, draft.text()?), draft.kind, pointers)
}

/// As [`sent`], with a body that stands already.
///
/// # Errors
/// As [`sent`].
pub fn answered(
    ctx: &Context,
    request: Request,
    kind: &str,
    pointers: &refusal::Pointers,
) -> Result<(Response, Document, Resource), Failure> {
    let answer = refusal::accepted(request.send()?, ctx.locale, pointers)?;
    let document = Document::of(&answer)?;
    let resource = document.one(&answer, kind)?;
    Ok((answer, document, resource))
}
