//! What guests write for the operator, made fit for a log: no forged lines, no national identity numbers, no more than
//! the limit.

use dialog_contract::ids::NationalIdentityNumber;

/// Stands where a national identity number was.
const REMOVED: &str = "[national identity number]";

/// A guest's text for the log: numbers of citizens removed, control characters escaped, cut to `most` bytes.
pub(crate) fn line(text: &str, most: usize) -> String {
    // A text much longer than its limit is cut first, so that the work is bounded; with room for a number that the cut
    // would otherwise split and hide.
    let text = cut(text, most.saturating_mul(2).max(64));
    let clean = without_numbers(text);
    let mut line = String::with_capacity(clean.len().min(most));
    for letter in clean.chars() {
        let start = line.len();
        if letter.is_control()
            || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
        if line.len() > most {
            line.truncate(start);
            break;
        }
    }
    line
}

/// `text` without the national identity numbers in it, written with or without a space or dash before the last five.
pub(crate) fn without_numbers(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    let mut kept_from = 0;
    while at < bytes.len() {
        match number_at(&bytes[at..]) {
            Some(length) => {
                clean.push_str(&text[kept_from..at]);
                clean.push_str(REMOVED);
                at += length;
                kept_from = at;
            }
            None => at += 1,
        }
    }
    clean.push_str(&text[kept_from..]);
    clean
}

/// Bytes of the number that begins here, if one does.
fn number_at(bytes: &[u8]) -> Option<usize> {
    let mut digits = [0_u8; 11];
    let mut found = 0;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                digits[found] = *byte;
                found += 1;
                if found == digits.len() {
                    let text = std::str::from_utf8(&digits).ok()?;
                    return text.parse::<NationalIdentityNumber>().is_ok().then_some(at + 1);
                }
            }
            b' ' | b'-' if found == 6 && at == 6 => {}
            _ => return None,
        }
    }
    None
}

/// The first bytes of a text, at most `most`, cut between letters.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    // Synthetic (Tenor): 80 added to the month.
    const NUMBER: &str = "17854599066";

    fn valid() -> String {
        // Find a synthetic number with right check digits, so that the test does not depend on one person's.
        (0..100_000_u32)
            .map(|tail| format!("178545{tail:05}"))
            .find(|number| number.parse::<NationalIdentityNumber>().is_ok())
            .unwrap_or_else(|| NUMBER.to_owned())
    }

    #[test]
    fn a_national_identity_number_never_reaches_the_log() {
        let number = valid();
        for text in [
            format!("for {number} at the office"),
            number.clone(),
            format!("pid={number}&x=1"),
            format!("{} {}", &number[..6], &number[6..]),
            format!("{}-{}", &number[..6], &number[6..]),
            format!("99{number}99"),
        ] {
            let clean = line(&text, 4096);
            assert!(!clean.contains(&number[6..]), "{clean}");
            assert!(clean.contains(REMOVED), "{clean}");
        }
    }

    #[test]
    fn other_digits_stay() {
        assert_eq!(line("message 12345678901 took 15 ms", 4096), "message 12345678901 took 15 ms");
    }

    #[test]
    fn a_forged_line_stays_one_line() {
        assert_eq!(line("ok\nERROR forged\x1b[2J", 4096), "ok\\nERROR forged\\u{1b}[2J");
    }

    #[test]
    fn a_long_line_is_cut_between_letters() {
        assert_eq!(line(&"æ".repeat(100), 9), "ææææ");
        assert_eq!(cut("æøå", 3), "æ");
    }

    #[test]
    fn the_cut_does_not_split_a_number_past_the_scrub() {
        let number = valid();
        let text = format!("{}{number}", "x".repeat(60));
        let clean = line(&text, 66);
        assert!(!clean.contains(&number[..6]), "{clean}");
    }
}
