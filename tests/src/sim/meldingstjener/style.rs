//! How a record system writes: the small ways in which real messages depart from the guide and from each other.

use super::tree::Written;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// The version of the application receipts that a record system writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptVersion {
    /// AppRec 1.0 of 2004.
    V1_0,
    /// AppRec 1.1 of 2012.
    V1_1,
}

/// How a record system writes.
#[derive(Clone, Debug)]
pub struct Style {
    /// Name of the product.
    pub product: &'static str,
    /// Encoding of its messages.
    pub encoding: Written,
    /// Version of its receipts.
    pub receipts: ReceiptVersion,
    /// Whether free text is written as XHTML.
    pub xhtml: bool,
    /// Whether `dtend` stands before `dtstart`.
    pub end_first: bool,
    /// Whether codes, names and HER-ids have a blank behind them.
    pub trailing_blank: bool,
    /// Whether JPEG pictures are called `image/jpg`, and base64 is broken into lines.
    pub old_attachments: bool,
    /// Whether the clinician who answers is named.
    pub signs: bool,
    /// Whether the organisation number stands beside the HER-id.
    pub organisation_number: bool,
    /// Whether it writes local time with an offset in place of UTC.
    pub local_time: bool,
}

impl Style {
    /// A text with the blank that this system leaves behind it.
    pub fn padded(&self, text: &str) -> String {
        format!("{text}{}", if self.trailing_blank { " " } else { "" })
    }

    /// The media type under the name that this system has for it.
    pub fn mime_type<'a>(&self, mime_type: &'a str) -> &'a str {
        if self.old_attachments && mime_type == "image/jpeg" { "image/jpg" } else { mime_type }
    }

    /// Base64 in lines of 76 where this system breaks it.
    pub fn base64(&self, encoded: &str) -> String {
        if !self.old_attachments {
            return encoded.to_owned();
        }
        let mut broken = String::with_capacity(encoded.len() + encoded.len() / 70);
        for (position, character) in encoded.chars().enumerate() {
            if position > 0 && position % 76 == 0 {
                broken.push('\n');
            }
            broken.push(character);
        }
        broken
    }

    /// A point in time as this system writes it.
    pub fn gen_date(&self, time: Timestamp) -> String {
        if self.local_time {
            let zone = TimeZone::get("Europe/Oslo").unwrap_or_else(|_| Offset::constant(1).to_time_zone());
            time.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S.%3f%:z").to_string()
        } else {
            time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
        }
    }
}
