//! WS-Security: a user name token inside a SOAP 1.2 message (OASIS Web Services Security UsernameToken Profile 1.1.1).
//!
//! The token stands in the body that the plugin writes, where the plugin could read it back if it chose the place: in a
//! text, say, that the vendor shows again. So the gateway writes it, and only as the first block of the message's header;
//! and an answer that holds what is secret of it never reaches the plugin.

use std::fmt;

use aws_lc_rs::{
    digest::{self, SHA1_FOR_LEGACY_USE_ONLY},
    rand::{SecureRandom as _, SystemRandom},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::{config::PasswordType, credentials::CredentialsError};
use crate::limits::{SOAP_OPENING_BYTES, WS_SECURITY_NONCE_BYTES, WS_SECURITY_PASSWORD_CHARACTERS};

/// The namespace of SOAP 1.2.
const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
const SECEXT: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const UTILITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const PROFILE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0";
const BASE64: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/// Who the gateway is to a vendor that speaks WS-Security.
pub(crate) struct UsernameToken {
    /// Escaped for XML.
    username: String,
    password: SecretString,
    kind: PasswordType,
    random: SystemRandom,
}

/// One token, written: good for one message.
pub(crate) struct Written {
    element: Zeroizing<String>,
    /// What must not come back.
    secret: Zeroizing<String>,
}

impl fmt::Debug for UsernameToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UsernameToken(…)")
    }
}

impl UsernameToken {
    /// # Errors
    /// User name or password cannot stand in XML, or the password is too short to be told from other text.
    pub(crate) fn new(username: &str, password: SecretString, kind: PasswordType) -> Result<Self, CredentialsError> {
        let form = |problem: &str| Err(CredentialsError::Form(problem.to_owned()));
        if username.is_empty() || username.chars().any(char::is_control) {
            return form("a user name of ws-security credentials must not be empty or hold a control character");
        }
        if password.expose_secret().chars().any(char::is_control) {
            return form("the password has a control character");
        }
        // A shorter one may stand in an answer by chance, and such an answer would be withheld.
        if kind == PasswordType::Text && password.expose_secret().chars().count() < WS_SECURITY_PASSWORD_CHARACTERS {
            return form("a password that is sent as text must have at least eight characters");
        }
        Ok(Self { username: escaped(username).to_string(), password, kind, random: SystemRandom::new() })
    }

    /// A fresh token of this moment; none where the system has no random numbers.
    pub(crate) fn write(&self) -> Option<Written> {
        let mut nonce = [0; WS_SECURITY_NONCE_BYTES];
        self.random.fill(&mut nonce).ok()?;
        Some(self.written(&nonce, &Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()))
    }

    fn written(&self, nonce: &[u8], created: &str) -> Written {
        let nonce_text = STANDARD.encode(nonce);
        let (fragment, secret) = match self.kind {
            PasswordType::Digest => {
                // SHA-1, by the profile: the nonce makes each digest another, and TLS hides it.
                let password = self.password.expose_secret().as_bytes();
                let input = Zeroizing::new([nonce, created.as_bytes(), password].concat());
                let digest = STANDARD.encode(digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &input));
                ("PasswordDigest", Zeroizing::new(digest))
            }
            PasswordType::Text => ("PasswordText", escaped(self.password.expose_secret())),
        };
        let element = Zeroizing::new(format!(
            "<wsse:Security xmlns:wsse=\"{SECEXT}\" xmlns:wsu=\"{UTILITY}\" xmlns:soap12=\"{SOAP}\" \
             soap12:mustUnderstand=\"true\"><wsse:UsernameToken><wsse:Username>{}</wsse:Username>\
             <wsse:Password Type=\"{PROFILE}#{fragment}\">{}</wsse:Password>\
             <wsse:Nonce EncodingType=\"{BASE64}\">{nonce_text}</wsse:Nonce>\
             <wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>",
            self.username, *secret
        ));
        Written { element, secret }
    }
}

impl Written {
    /// For the wire.
    pub(crate) fn bytes(&self) -> Bytes {
        Bytes::copy_from_slice(self.element.as_bytes())
    }

    /// Whether an answer shows it to the plugin.
    pub(crate) fn is_in(&self, body: &[u8], headers: &[(String, String)]) -> bool {
        let secret = self.secret.as_bytes();
        let held = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret);
        held(body) || headers.iter().any(|(_, value)| held(value.as_bytes()))
    }
}

/// Text as it stands in an element. Allocated at once, so that no copy of a secret is left behind.
fn escaped(text: &str) -> Zeroizing<String> {
    let mut escaped = Zeroizing::new(String::with_capacity(text.len() * 5));
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Checks that what comes next in a body is the first block of a SOAP 1.2 header: before it stand at most the XML
/// declaration, and the start tags of envelope and header. No text of anybody's can hold a place like that.
///
/// # Errors
/// The rule that is broken.
pub(crate) fn begins_a_header(before: &[u8]) -> Result<(), &'static str> {
    const RULE: &str = "credentials stand first in the header of a SOAP 1.2 envelope, and nowhere else";
    if before.len() > SOAP_OPENING_BYTES {
        return Err(RULE);
    }
    let opening = || {
        let mut text = std::str::from_utf8(before).ok()?;
        if let Some(declared) = text.strip_prefix("<?xml ") {
            text = declared.split_once("?>")?.1;
        }
        let (tag, rest) = text.trim_start().strip_prefix('<')?.split_once('>')?;
        let (name, attributes) = tag.split_once(|letter: char| letter.is_ascii_whitespace())?;
        let prefix = name.strip_suffix(":Envelope").filter(|prefix| is_name(prefix))?;
        // Attributes in double quotes, without anything that could end the tag elsewhere for another reader.
        let plain = !attributes.contains(['<', '&', '\'']) && !attributes.ends_with('/');
        let quotes = attributes.matches('"').count();
        let declares = attributes.contains(&format!("xmlns:{prefix}=\"{SOAP}\""));
        let header = rest.trim().strip_prefix('<')?.strip_suffix(":Header>")?;
        (plain && quotes % 2 == 0 && declares && header == prefix).then_some(())
    };
    opening().ok_or(RULE)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn token(password: &str, kind: PasswordType) -> Result<UsernameToken, CredentialsError> {
        UsernameToken::new("portal & co", SecretString::from(password), kind)
    }

    fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
        text.split_once(from).unwrap().1.split_once(to).unwrap().0
    }

    #[test]
    fn the_digest_is_sha_1_of_nonce_created_and_password() {
        let token = token("hemmelig æ&<", PasswordType::Digest).unwrap();
        let written = token.written(b"0123456789abcdef", "2026-11-20T09:00:00.000Z");
        let element = written.element.as_str();
        // As `printf … | openssl dgst -sha1 -binary | base64` has it.
        assert_eq!(between(element, "#PasswordDigest\">", "</wsse:Password>"), "B/ECpLccxA8PxxlGR0PdGkltG04=");
        assert_eq!(between(element, "#Base64Binary\">", "</wsse:Nonce>"), "MDEyMzQ1Njc4OWFiY2RlZg==");
        assert_eq!(between(element, "<wsse:Username>", "</wsse:Username>"), "portal &amp; co");
        assert!(element.contains("soap12:mustUnderstand=\"true\"") && !element.contains("hemmelig"));
    }

    #[test]
    fn every_token_has_a_nonce_of_its_own_and_is_as_long_as_every_other() {
        let token = token("hemmelig", PasswordType::Digest).unwrap();
        let (first, second) = (token.write().unwrap(), token.write().unwrap());
        let nonce = |written: &Written| between(&written.element, "#Base64Binary\">", "</wsse:Nonce>").to_owned();
        assert_ne!(nonce(&first), nonce(&second));
        assert_eq!(first.bytes().len(), second.bytes().len());
        let created: Timestamp = between(&first.element, "<wsu:Created>", "</wsu:Created>").parse().unwrap();
        assert!(Timestamp::now().duration_since(created).as_secs() < 60);
    }

    #[test]
    fn a_password_as_text_is_escaped_and_an_answer_that_holds_it_is_known() {
        let written = token("hemmelig<&>", PasswordType::Text).unwrap().write().unwrap();
        assert!(written.element.contains("#PasswordText\">hemmelig&lt;&amp;&gt;</wsse:Password>"));
        assert!(written.is_in(b"<echo>hemmelig&lt;&amp;&gt;</echo>", &[]));
        assert!(written.is_in(b"", &[("x-echo".to_owned(), "a hemmelig&lt;&amp;&gt;".to_owned())]));
        assert!(!written.is_in(b"<echo>hemmelig</echo>", &[]));
    }

    #[test]
    fn what_xml_cannot_hold_and_what_is_too_short_to_be_told_apart_is_refused_without_being_shown() {
        for (password, kind) in [("opensesame\u{1}", PasswordType::Digest), ("opensez", PasswordType::Text)] {
            let error = token(password, kind).unwrap_err().to_string();
            assert!(!error.contains("opense"), "{error}");
        }
        assert!(UsernameToken::new("", SecretString::from("opensesame"), PasswordType::Digest).is_err());
        assert_eq!(format!("{:?}", token("opensesame", PasswordType::Text).unwrap()), "UsernameToken(…)");
    }

    #[test]
    fn credentials_stand_first_in_a_header_and_in_no_text() {
        const OPEN: &str = "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:b=\"urn:b\">";
        for before in
            [format!("{OPEN}<s:Header>"), format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{OPEN}\n  <s:Header>\n")]
        {
            assert_eq!(begins_a_header(before.as_bytes()), Ok(()), "{before}");
        }
        for before in [
            String::new(),
            OPEN.to_owned(),
            format!("{OPEN}<s:Header><b:To>"),
            format!("{OPEN}<s:Header/><s:Body><b:Text>"),
            format!("{OPEN}<s:Header><!--"),
            format!("{OPEN}<s:Body><s:Header>"),
            format!("{OPEN}<!-- --><s:Header>"),
            format!("{OPEN}<t:Header>"),
            format!("<!-- {OPEN}<s:Header>"),
            format!("<![CDATA[{OPEN}<s:Header>"),
            format!("{{\"text\":\"{OPEN}<s:Header>"),
            format!("<a>{OPEN}<s:Header>"),
            "<s:Envelope xmlns:s=\"urn:other\"><s:Header>".to_owned(),
            "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" b=\"/><s:Header>".to_owned(),
            "<s:Envelope b='xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"'><s:Header>".to_owned(),
            "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"/><s:Header>".to_owned(),
            format!("{OPEN}{}<s:Header>", " ".repeat(SOAP_OPENING_BYTES)),
        ] {
            assert!(begins_a_header(before.as_bytes()).is_err(), "{before}");
        }
    }
}
