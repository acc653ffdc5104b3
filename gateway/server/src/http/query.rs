//! Query strings: every name known and once, every value parsed, with errors that name the parameter.

use std::str::FromStr;

use super::reply::Refusal;
use crate::limits::QUERY_BYTES;

/// The parameters of one request.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string whose names must be among `known`.
    pub fn parse(query: Option<&str>, known: &[&str]) -> Result<Self, Refusal> {
        let query = query.unwrap_or_default();
        if query.len() > QUERY_BYTES {
            return Err(Refusal::malformed("query"));
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if !known.contains(&name.as_ref()) {
                return Err(Refusal::malformed(&format!("query: unknown parameter; known are {}", known.join(", "))));
            }
            if pairs.iter().any(|(earlier, _)| *earlier == name) {
                return Err(Refusal::malformed(&format!("query: {name} is there twice")));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    /// A parameter as text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter as `T`.
    pub fn get<T: FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        self.text(name)
            .map(|value| value.parse().map_err(|_| Refusal::malformed(&format!("query: {name}"))))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn parameters_are_known_once_and_of_their_type() {
        let query = Query::parse(Some("limit=5&cursor=a%2Bb"), &["limit", "cursor"]).unwrap();
        assert_eq!(query.get::<u32>("limit").unwrap(), Some(5));
        assert_eq!(query.text("cursor"), Some("a+b"));
        assert!(Query::parse(Some("limit=5&limit=6"), &["limit"]).is_err());
        assert!(Query::parse(Some("lmit=5"), &["limit"]).is_err());
        assert!(Query::parse(Some("limit=five"), &["limit"]).unwrap().get::<u32>("limit").is_err());
        assert!(Query::parse(Some(&"a".repeat(5000)), &["limit"]).is_err());
    }
}
